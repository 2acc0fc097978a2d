import type { Site, Variant } from './variant.js';

/** Makes what belongs to a variant at a site when first asked for it, and keeps it. */
export const memoiseBySite = <Value>(make: (variant: Variant, site: Site) => Value) => {
  const made = new Map<string, Value>();
  return (variant: Variant, site: Site): Value => {
    const key = `${variant}/${site}`;
    const known = made.get(key) ?? make(variant, site);
    made.set(key, known);
    return known;
  };
};

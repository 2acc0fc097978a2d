/** Reports of dsteer 0.1.0, which had no comparisons, no corrections and one role of controls, still of schema 1. */

type Fields = Readonly<Record<string, unknown>>;

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const withMissing =
  (defaults: Fields) =>
  (value: unknown): unknown => {
    if (!isFields(value)) return value;
    const missing = Object.entries(defaults).filter(([key]) => !(key in value));
    return missing.length === 0 ? value : { ...value, ...Object.fromEntries(missing) };
  };

const mapList = (value: unknown, change: (item: unknown) => unknown): unknown =>
  Array.isArray(value) ? value.map(change) : value;

const completeControl = withMissing({ seedSd: null, role: 'control' });

const completeClaim = (value: unknown): unknown => {
  const claim = withMissing({
    seedSd: null,
    comparison: null,
    family: 'none',
    pValue: null,
    adjustedP: null,
  })(value);
  return isFields(claim) ? { ...claim, controls: mapList(claim['controls'], completeControl) } : claim;
};

/**
 * The value of a `report.json` with what was not there yet as it would be without comparisons and corrections. What is
 * there stays as it is, right or wrong; a report that has everything keeps the order of its keys.
 */
export const completeOldReport = (value: unknown): unknown => {
  const report = withMissing({ tables: [] })(value);
  return isFields(report) ? { ...report, claims: mapList(report['claims'], completeClaim) } : report;
};

/**
 * Experiments that build on others: `extends` takes over what another experiment says, `vary` makes a family of one file,
 * a member for each named set of changes.
 */
import { closestName, SpecError, showValue } from '../../base/index.js';
import { type Draft, isMapping, type RawMapping, textOf } from './draft.js';

/** One experiment as its file and its parents make it. */
export interface Member {
  readonly name: string;
  /** What tells it from its siblings; its name where there are none. */
  readonly label: string;
  /** The key below `vary` that it comes from. */
  readonly variation: string | undefined;
  /** Without `extends` and `vary`. */
  readonly raw: RawMapping;
}

/** Mappings merge key by key, anything else is replaced. */
const merge = (parent: RawMapping, child: RawMapping): RawMapping => {
  const merged: Record<string, unknown> = { ...parent };
  for (const [key, value] of Object.entries(child)) {
    const inherited = merged[key];
    merged[key] = isMapping(inherited) && isMapping(value) ? merge(inherited, value) : value;
  }
  return merged;
};

const without = (raw: RawMapping, ...keys: string[]): RawMapping =>
  Object.fromEntries(Object.entries(raw).filter(([key]) => !keys.includes(key)));

/** Data comes from one of these: the child's choice replaces the parent's. */
const dataSources = ['preferences', 'mixture', 'prompts'];

const mergeExperiments = (parent: RawMapping, child: RawMapping): RawMapping => {
  const merged = merge(parent, child);
  const [own, data] = [child['data'], merged['data']];
  if (!isMapping(own) || !isMapping(data)) return merged;
  const chosen = dataSources.filter((source) => source in own);
  if (chosen.length === 0) return merged;
  const replaced = dataSources.filter((source) => !chosen.includes(source));
  return { ...merged, data: without(data, ...replaced) };
};

export interface ExperimentLibrary {
  /** The experiments of one file: one, or a family. */
  membersOf(draft: Draft): Member[];
  readonly names: readonly string[];
}

const fault = (draft: Draft, path: readonly PropertyKey[], message: string, hint: string): SpecError =>
  new SpecError([{ where: draft.locate(path), message, hint }]);

/**
 * Resolves inheritance among these files. The first file of a name wins.
 *
 * @param drafts of experiments; other kinds are passed over
 */
export const createExperimentLibrary = (drafts: readonly Draft[]): ExperimentLibrary => {
  const experiments = drafts.filter(({ kind }) => kind === 'experiment');
  const namesOf = ({ raw }: Draft): string[] => {
    const name = textOf(raw['experiment']);
    return isMapping(raw['vary']) ? Object.keys(raw['vary']).map((suffix) => `${name}-${suffix}`) : [name];
  };
  const byName = new Map<string, Draft>();
  for (const draft of [...experiments].reverse()) for (const name of namesOf(draft)) byName.set(name, draft);

  const inherited = (draft: Draft, descendants: readonly Draft[]): RawMapping => {
    const parentName = draft.raw['extends'];
    const own = without(draft.raw, 'extends', 'vary');
    if (parentName === undefined) return own;
    const parent = byName.get(textOf(parentName));
    if (parent === undefined) {
      const closest = closestName(textOf(parentName), [...byName.keys()]);
      throw fault(
        draft,
        ['extends'],
        `there is no experiment ${showValue(parentName)} to extend`,
        `${closest === undefined ? '' : `did you mean ${closest}? `}experiments: ${[...byName.keys()].join(', ')}`,
      );
    }
    if (parent === draft || descendants.includes(parent)) {
      throw fault(
        draft,
        ['extends'],
        `${textOf(parentName)} extends this experiment in turn`,
        'let one of them stand on its own',
      );
    }
    const member = expand(parent, [...descendants, draft]).find(({ name }) => name === parentName);
    return mergeExperiments(without(member?.raw ?? {}, 'experiment'), own);
  };

  const expand = (draft: Draft, descendants: readonly Draft[]): Member[] => {
    const raw = inherited(draft, descendants);
    const name = textOf(raw['experiment']);
    const { vary } = draft.raw;
    if (vary === undefined) return [{ name, label: name, variation: undefined, raw }];
    const variations = isMapping(vary) ? Object.entries(vary) : [];
    if (variations.length === 0 || variations.some(([, changes]) => !isMapping(changes))) {
      throw fault(
        draft,
        ['vary'],
        'vary takes a mapping of names to changes',
        'such as `vary: { beta-1: { training: { beta: 1 } } }`',
      );
    }
    return variations.map(([variation, changes]) => ({
      name: `${name}-${variation}`,
      label: variation,
      variation,
      raw: {
        ...mergeExperiments(raw, {
          title: `${textOf(raw['title'])}: ${variation}`,
          ...(changes as RawMapping),
        }),
        experiment: `${name}-${variation}`,
      },
    }));
  };

  return { membersOf: (draft) => expand(draft, []), names: [...byName.keys()] };
};

/** Every specification within reach, by name. */
import { closestName, DsteerError, SpecError, type SpecIssue, UsageError } from '../../base/index.js';
import { type Draft, textOf } from './draft.js';
import {
  interpretAll,
  type LoadedClaim,
  type LoadedExperiment,
  type LoadedSpec,
  type LoadedSuite,
  neighbouringDrafts,
  shippedDrafts,
  shippedSpecsFolder,
} from './load.js';

export interface Catalogue {
  readonly experiments: ReadonlyMap<string, LoadedExperiment>;
  readonly claims: ReadonlyMap<string, LoadedClaim>;
  readonly suites: ReadonlyMap<string, LoadedSuite>;
  /** Neighbours of a user's file that could not be used, by name; told only when somebody asks for them. */
  readonly faults: ReadonlyMap<string, DsteerError>;
}

/** The first of a name wins. */
const collect = (specs: readonly LoadedSpec[], faults: Catalogue['faults']): Catalogue => {
  const experiments = new Map<string, LoadedExperiment>();
  const claims = new Map<string, LoadedClaim>();
  const suites = new Map<string, LoadedSuite>();
  for (const spec of [...specs].reverse()) {
    if (spec.kind === 'experiment') experiments.set(spec.value.experiment, spec);
    else if (spec.kind === 'claim') claims.set(spec.value.claim, spec);
    else suites.set(spec.value.suite, spec);
  }
  const inOrder = <Value>(map: Map<string, Value>) => new Map([...map].reverse());
  return { experiments: inOrder(experiments), claims: inOrder(claims), suites: inOrder(suites), faults };
};

/** Reads every specification below `folder`. */
export const loadCatalogue = async (folder = shippedSpecsFolder()): Promise<Catalogue> =>
  collect(interpretAll(await shippedDrafts(folder)), new Map());

const nameOf = ({ kind, raw }: Draft): string => textOf(raw[kind]);

/** The catalogue as seen from a user's file: what stands beside it comes before what is shipped. */
export const catalogueAround = async (file: string, shipped: Catalogue): Promise<Catalogue> => {
  const neighbours = await neighbouringDrafts(file);
  const further = await shippedDrafts();
  const faults = new Map<string, DsteerError>();
  const specs = neighbours.flatMap((draft) => {
    try {
      const others = neighbours.filter((other) => other !== draft);
      return interpretAll([draft], [...others, ...further]);
    } catch (error) {
      if (!(error instanceof DsteerError)) throw error;
      faults.set(nameOf(draft), error);
      return [];
    }
  });
  const own = collect(specs, faults);
  return {
    experiments: new Map([...shipped.experiments, ...own.experiments]),
    claims: new Map([...shipped.claims, ...own.claims]),
    suites: new Map([...shipped.suites, ...own.suites]),
    faults,
  };
};

const suggest = (what: string, given: string, legal: readonly string[]): string => {
  const closest = closestName(given, legal);
  return `${closest === undefined ? '' : `did you mean ${closest}? `}${what}: ${legal.join(', ')}`;
};

/**
 * The specification of that name.
 *
 * @param where the place that names it
 * @throws SpecError at that place where there is none, or the faults of a neighbour of that name
 */
export const findNamed = <Kind extends 'experiments' | 'claims'>(
  catalogue: Catalogue,
  kind: Kind,
  name: string,
  where: SpecIssue['where'],
): NonNullable<ReturnType<Catalogue[Kind]['get']>> => {
  const found = catalogue[kind].get(name) as ReturnType<Catalogue[Kind]['get']>;
  if (found) return found as NonNullable<typeof found>;
  const fault = catalogue.faults.get(name);
  if (fault) throw fault;
  throw new SpecError([
    {
      where,
      message: `there is no ${kind.slice(0, -1)} ${name}`,
      hint: suggest(kind, name, [...catalogue[kind].keys()]),
    },
  ]);
};

/** @throws UsageError always: nothing is called that */
export const refuseTarget = (target: string, { claims, suites }: Catalogue): never => {
  throw new UsageError(`there is no claim or suite ${target}`, {
    hint: suggest('claims and suites', target, [...claims.keys(), ...suites.keys()]),
  });
};

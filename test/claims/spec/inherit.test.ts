import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SpecError } from '../../../src/base/index.js';
import { type LoadedExperiment, loadSpec, loadSpecs } from '../../../src/claims/index.js';
import { experimentText } from '../synthetic-evidence.js';

let folder: string;

const put = async (path: string, text: string): Promise<string> => {
  const file = join(folder, path);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, text);
  return file;
};

const experimentsOf = async (file: string): Promise<LoadedExperiment[]> =>
  (await loadSpecs(file)).flatMap((spec) => (spec.kind === 'experiment' ? [spec] : []));

const issuesOf = async (file: string) => {
  const error = await loadSpecs(file).then(
    () => undefined,
    (fault: unknown) => fault,
  );
  expect(error).toBeInstanceOf(SpecError);
  return (error as SpecError).issues;
};

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dsteer-inherit-'));
  await put('parent.yaml', experimentText('parent', 'pairs.jsonl'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('extends', () => {
  it('takes over what is not said again, key by key', async () => {
    const file = await put(
      'child.yaml',
      'experiment: child\nextends: parent\ntitle: Another\ntraining: { learningRate: 0.5 }\n',
    );
    const [child] = await experimentsOf(file);
    const [parent] = await experimentsOf(join(folder, 'parent.yaml'));
    expect(child?.value).toEqual({
      ...parent?.value,
      experiment: 'child',
      title: 'Another',
      training: { ...parent?.value.training, learningRate: 0.5 },
    });
  });

  it('reaches the shipped experiments, over several generations', async () => {
    await put('middle.yaml', 'experiment: middle\nextends: many-frames\ntitle: T\ntraining: { beta: 0.5 }\n');
    const file = await put('last.yaml', 'experiment: last\nextends: middle\ntitle: T\nuntie: true\n');
    const [last] = await experimentsOf(file);
    expect(last?.value).toMatchObject({
      untie: true,
      training: { beta: 0.5 },
      data: { preferences: 'many-frames' },
    });
  });

  it('replaces preferences by a mixture, and a mixture by preferences', async () => {
    const mixed = await put(
      'mixed.yaml',
      'experiment: mixed\nextends: many-frames\ntitle: T\ndata: { mixture: [{ name: a, preferences: cloze }] }\n',
    );
    const plain = await put(
      'plain.yaml',
      'experiment: plain\nextends: mixed\ntitle: T\ndata: { preferences: one-frame }\n',
    );
    expect((await experimentsOf(mixed))[0]?.value.data).toMatchObject({
      mixture: [{ name: 'a', weight: 1 }],
    });
    expect((await experimentsOf(mixed))[0]?.value.data.preferences).toBeUndefined();
    expect((await experimentsOf(plain))[0]?.value.data.mixture).toBeUndefined();
  });

  it('points at a parent that is not there, and at one that extends its child', async () => {
    const missing = await put('missing.yaml', 'experiment: missing\nextends: many-frame\ntitle: T\n');
    const [issue] = await issuesOf(missing);
    expect(issue?.where).toEqual({ file: missing, line: 2, column: 10 });
    expect(issue?.hint).toContain('did you mean many-frames?');
    await put('loop/a.yaml', 'experiment: a\nextends: b\ntitle: T\n');
    const b = await put('loop/b.yaml', 'experiment: b\nextends: a\ntitle: T\n');
    expect((await issuesOf(b))[0]?.message).toContain('in turn');
  });

  it('says of a fault where in the child it stands', async () => {
    const file = await put(
      'faulty.yaml',
      'experiment: faulty\nextends: parent\ntitle: T\ntraining:\n  beta: high\nextend: x\n',
    );
    const issues = await issuesOf(file);
    expect(issues.map(({ where }) => where.line)).toEqual([5, 6]);
    expect(issues[1]?.hint).toContain('did you mean extends?');
  });
});

describe('vary', () => {
  const family =
    'experiment: family\nextends: many-frames\ntitle: Family\nvary:\n  beta-0.5: { training: { beta: 0.5 } }\n  long: { training: { epochs: 4 }, title: Longer }\n';

  it('makes a member of each set of changes, named after it', async () => {
    const members = await experimentsOf(await put('family.yaml', family));
    expect(members.map(({ label, value }) => [value.experiment, label, value.title])).toEqual([
      ['family-beta-0.5', 'beta-0.5', 'Family: beta-0.5'],
      ['family-long', 'long', 'Longer'],
    ]);
    expect(members.map(({ value }) => [value.training.beta, value.training.epochs])).toEqual([
      [0.5, 2],
      [0.1, 4],
    ]);
  });

  it('has members that others extend', async () => {
    await put('family.yaml', family);
    const file = await put('of-member.yaml', 'experiment: own\nextends: family-beta-0.5\ntitle: T\n');
    expect((await experimentsOf(file))[0]?.value.training.beta).toBe(0.5);
  });

  it('is no single experiment: what needs one says which there are', async () => {
    const file = await put('family.yaml', family);
    await expect(loadSpec(file)).rejects.toThrow(/family of 2 experiments/);
  });

  it('points at a member’s fault in its own lines', async () => {
    const file = await put('bad-member.yaml', family.replace('epochs: 4', 'epochs: four'));
    const [issue] = await issuesOf(file);
    expect(issue?.where.line).toBe(6);
    expect(issue?.message).toContain('training.epochs');
  });
});

import { dirname, join, resolve } from 'node:path';
import { assetsFolder } from '../../data/index.js';
import type { LoadedExperiment } from '../spec/load.js';

const shippedRung = /^shipped\/([a-z0-9-]+)$/;

/** Whether a specification's `model` is a name of what is shipped, and no path. */
export const isShippedModel = (model: string): boolean => model === 'shipped' || shippedRung.test(model);

/** Folders of the checkpoints that an experiment compares, where it trains none. */
export const checkpointFoldersOf = ({ value, file }: LoadedExperiment) =>
  value.checkpoints && {
    policy: resolve(dirname(file), value.checkpoints.policy),
    sftBase: value.checkpoints.sftBase && resolve(dirname(file), value.checkpoints.sftBase),
  };

/** Every model folder that an experiment reads. */
export const modelFoldersOf = (experiment: LoadedExperiment): string[] => {
  const checkpoints = checkpointFoldersOf(experiment);
  return [
    modelFolderOf(experiment),
    ...Object.values(checkpoints ?? {}).filter((folder) => folder !== undefined),
  ];
};

/** The model folder that an experiment names: the shipped model, a rung of the shipped ladder, or the user's own. */
export const modelFolderOf = ({ value, file }: LoadedExperiment): string => {
  if (value.model === 'shipped') return join(assetsFolder(), 'model');
  const rung = shippedRung.exec(value.model)?.[1];
  return rung === undefined ? resolve(dirname(file), value.model) : join(assetsFolder(), 'models', rung);
};

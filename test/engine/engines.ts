/** The engines that the suites run on: all that this machine has. */

import { type EngineStatus, startEngine, surveyEngines } from '../../src/engine/index.js';

export const ENGINES = await surveyEngines();

/** For `describe.each`: the name, and why it is skipped where it is. */
export const engineTitle = (status: EngineStatus): string =>
  status.available ? status.name : `${status.name} (skipped: ${status.reason})`;

export const start = async ({ name }: EngineStatus): Promise<void> => {
  await startEngine(name);
};

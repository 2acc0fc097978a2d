/** Packages that are not part of the default install: optional peers, loaded only when their engine is asked for. */

import { EngineUnavailable } from './engine.js';

const codeOf = (error: unknown): unknown =>
  typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;

const firstLine = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).split('\n', 1)[0] ?? '';

/** The module of that name. @throws {EngineUnavailable} if it is not installed, or does not load */
export const importOptional = async (name: string): Promise<unknown> => {
  try {
    return await import(name);
  } catch (error) {
    const missing = codeOf(error) === 'ERR_MODULE_NOT_FOUND' && firstLine(error).includes(name);
    const reason = missing ? `${name} is not installed` : `${name} does not load: ${firstLine(error)}`;
    throw new EngineUnavailable(reason, `npm install ${name}`);
  }
};

import { arch, availableParallelism, cpus, platform, release } from 'node:os';

/** What a program runs on. */
export interface MachineDescription {
  readonly node: string;
  readonly platform: string;
  readonly cpu: string;
  /** Cores that this process may use. */
  readonly cores: number;
}

export const describeMachine = (): MachineDescription => ({
  node: process.versions.node,
  platform: `${platform()} ${release()} ${arch()}`,
  cpu: cpus()[0]?.model.trim() ?? 'unknown',
  cores: availableParallelism(),
});

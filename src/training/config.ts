import type { Progress } from '../base/index.js';

/** What every trainer's optimiser is told: AdamW with β1 0.9, β2 0.999, ε 1e-8. */
export interface OptimiserConfig {
  /** Peak, reached after the warm-up. */
  readonly learningRate: number;
  /** Examples a step. */
  readonly batchSize: number;
  readonly warmupSteps: number;
  /** What follows the warm-up: the peak kept, or lowered to 0 at the last step. */
  readonly schedule: 'constant' | 'linear' | 'cosine';
  /** Gradients are scaled down to this global norm; 0 or infinity leaves them as they are. */
  readonly maxGradNorm: number;
  /** Decoupled, and of matrices only: gains of norms are not decayed (as Hugging Face's trainer does). */
  readonly weightDecay: number;
}

export interface FineTuningConfig extends OptimiserConfig {
  /** Passes over the data. */
  readonly epochs: number;
  /** `frozen` keeps E and W_U fixed. */
  readonly embeddings: 'frozen' | 'unfrozen';
  /** Learning rate of E and W_U as a factor of the others'; acts only where they are unfrozen. Default 1. */
  readonly embeddingRateFactor?: number;
}

export interface DpoConfig extends FineTuningConfig {
  /** β of the DPO loss. */
  readonly beta: number;
}

/** One optimiser step. Names are TRL's; `grad_norm` is the norm before clipping. */
export interface StepMetrics {
  /** Updates made before this one. Loss and log-probabilities are those of the weights before the update. */
  readonly step: number;
  readonly loss: number;
  readonly grad_norm: number;
  readonly learning_rate: number;
}

export interface DpoStepMetrics extends StepMetrics {
  readonly 'rewards/chosen': number;
  readonly 'rewards/rejected': number;
  readonly 'rewards/margins': number;
  readonly 'rewards/accuracies': number;
  readonly 'logps/chosen': number;
  readonly 'logps/rejected': number;
}

export interface TrainingOptions<Metrics extends StepMetrics = StepMetrics> {
  /** Decides the order of the data. */
  readonly seed: number;
  readonly progress?: Progress;
  readonly onStep?: (metrics: Metrics) => void | Promise<void>;
}

export interface TrainingResult<Metrics extends StepMetrics = StepMetrics> {
  readonly metrics: readonly Metrics[];
  /** SHA-256 of E and W_U (one entry when tied) before and after: equal if and only if they stayed fixed. */
  readonly embeddingHashes: {
    readonly before: Readonly<Record<string, string>>;
    readonly after: Readonly<Record<string, string>>;
  };
  /** Tokens that went through the model, padding not counted. */
  readonly tokens: number;
  readonly seconds: number;
}

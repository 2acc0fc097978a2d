/** Names of metrics and controls: what a specification may ask for. Metric files under this folder compute them. */

/** Controls that train or perturb another policy and measure the same quantity on it. */
export const variantControls = [
  'placebo-noise',
  'massive-noise',
  'shuffled-labels',
  'flipped-labels',
  'sft',
  'dpo-after-sft',
] as const;
export type VariantControl = (typeof variantControls)[number];

/** Controls that judge the DPO policy by a vector from elsewhere. */
export const alternativeVectors = ['foreign-prompts', 'trained-vector'] as const;
export type AlternativeVector = (typeof alternativeVectors)[number];

/** `control`: a claim is specific only if it beats it. `companion`: shown beside the claim, to compare with. */
export type ControlRole = 'control' | 'companion';

export interface ControlDescription {
  readonly title: string;
  readonly role: ControlRole;
}

export const controlCatalogue = {
  'placebo-noise': { title: 'weight noise with the same mean ‖Δh‖', role: 'control' },
  'massive-noise': { title: 'weight noise and one amplified dimension, same mean ‖Δh‖', role: 'control' },
  'shuffled-labels': { title: 'DPO on shuffled labels', role: 'control' },
  'flipped-labels': {
    title: 'DPO on flipped labels; where a vector judges, DPO judged by its −v*',
    role: 'companion',
  },
  sft: { title: 'SFT on the chosen answers', role: 'control' },
  'dpo-after-sft': { title: 'DPO after SFT on the chosen answers, from the SFT model on', role: 'companion' },
  'random-directions': { title: '20 random directions of the same norm', role: 'control' },
  'shuffled-rows': { title: 'rows of ΔH each with its entries shuffled', role: 'control' },
  'foreign-prompts': { title: 'v* estimated at prompts of another population', role: 'control' },
  'trained-vector': { title: 'a vector trained under the DPO loss, the model frozen', role: 'companion' },
  'pre-norm': { title: 'read before the final norm', role: 'control' },
  'pre-norm-without-jacobian': {
    title: 'the law as it is, without the Jacobian of the norm',
    role: 'control',
  },
  'current-embeddings': { title: 'the law of the current embeddings', role: 'control' },
  'after-divergence': { title: 'read after the completions diverge', role: 'control' },
  'other-tokens': { title: 'embeddings of two other tokens', role: 'control' },
  'massive-hidden': { title: 'a massive hidden state along e_w − e_l', role: 'control' },
  'in-sample': { title: 'v* of the prompts that it judges', role: 'control' },
  'wrong-reference': { title: 'the reference is not subtracted', role: 'control' },
} as const satisfies Record<string, ControlDescription>;

export type ControlId = keyof typeof controlCatalogue;
export const controlIds = Object.keys(controlCatalogue) as [ControlId, ...ControlId[]];

export const controlTitles = Object.fromEntries(
  Object.entries(controlCatalogue).map(([id, { title }]) => [id, title]),
) as Readonly<Record<ControlId, string>>;

export interface MetricDescription {
  readonly title: string;
  /** Controls that make sense for it. */
  readonly controls: readonly ControlId[];
}

/** Laws that hold for any tensors, judged on random ones. */
export const propertyMetrics = {
  'logit-difference-identity': {
    title: 'share of random cases in which z_w − z_l = ⟨h, e_w − e_l⟩',
    controls: ['other-tokens', 'pre-norm'],
  },
  'gradient-law-property': {
    title: 'share of random cases in which ∇_h L = −β σ(−m) (e_w − e_l)',
    controls: ['pre-norm', 'after-divergence'],
  },
  'gradient-law-pre-norm': {
    title: 'share of random cases in which ∇ before the norm = Jᵀ·(−β σ(−m) (e_w − e_l))',
    controls: ['pre-norm-without-jacobian'],
  },
  'pre-norm-direction': {
    title: 'share of random cases in which ∇ before an even norm keeps cos ≥ 0.9 to −(e_w − e_l)',
    controls: ['massive-hidden'],
  },
  'gradient-agreement': {
    title: 'share of random cases in which autodiff, closed form and finite differences agree',
    controls: ['other-tokens', 'wrong-reference'],
  },
  'held-out-vectors': {
    title: 'share of random cases in which no prompt has a part in the vector that judges it',
    controls: ['in-sample'],
  },
} as const satisfies Record<string, MetricDescription>;

/** Of a metric of ΔH's shape: policies of their own, and ΔH without its directions in common. */
export const shapeControls = [...variantControls, 'shuffled-rows'] as const;

/** Of a metric that steers by a vector: policies of their own, and other vectors for the same policy. */
export const steeringControls = [...variantControls, 'random-directions', ...alternativeVectors] as const;

/** Of a metric that sets ΔH against a vector. */
export const vectorControls = [...steeringControls, 'shuffled-rows'] as const;

/** Quantities of an experiment's evidence, judged on its held-out prompts. */
export const promptMetrics = {
  'accuracy-gain': {
    title: 'rise of the share of prompts whose chosen answer is preferred',
    controls: variantControls,
  },
  'gradient-law-agreement': {
    title: 'share of prompts in which autodiff agrees with −β σ(−m) (e_w − e_l)',
    controls: [...variantControls, 'pre-norm', 'after-divergence', 'wrong-reference'],
  },
  'cosine-to-steering-vector': { title: 'mean cos(Δh, v*)', controls: vectorControls },
  'singular-value-ratio': { title: 'σ2/σ1 of ΔH', controls: shapeControls },
  'leading-direction-cosine': {
    title: '|cos(u1, v*)|, u1 the leading right singular vector of ΔH',
    controls: vectorControls,
  },
  'flips-installed': {
    title: 'share of changed preferences that base + v* takes on',
    controls: steeringControls,
  },
  'flips-undone': {
    title: 'share of changed preferences that policy − v* takes back',
    controls: steeringControls,
  },
  'margin-recovery': {
    title: '1 − Σ|m_inverted − m_base| / Σ|m_policy − m_base|',
    controls: steeringControls,
  },
  'energy-recovery': { title: '1 − Σ‖h_policy − v* − h_base‖² / Σ‖Δh‖²', controls: vectorControls },
  'gradient-direction-cosine': {
    title: 'mean cos(∇_h L of a prompt, their mean)',
    controls: ['shuffled-labels', 'other-tokens'],
  },
  'gradient-steering-alignment': {
    title: 'cos(v*, mean of e_w − e_l)',
    controls: [...variantControls, 'random-directions', 'other-tokens'],
  },
  'gradient-law-initial-agreement': {
    title: 'share of prompts in which autodiff agrees with the law of the initial embeddings',
    controls: [...variantControls, 'current-embeddings', 'pre-norm', 'after-divergence'],
  },
  'embedding-drift': { title: '‖ΔE‖ / ‖E‖, or of W_U if larger', controls: variantControls },
  'flips-undone-base-head': {
    title: "share of changed preferences that policy − v* takes back, read by the base's head",
    controls: steeringControls,
  },
  'spectral-entropy-drop': {
    title: 'spectral entropy of the lower layers less that of the upper ones (nats)',
    controls: shapeControls,
  },
  'participation-ratio': { title: 'participation ratio of ΔH', controls: shapeControls },
  'components-80': { title: 'directions that hold 80 % of the energy of ΔH', controls: shapeControls },
  'components-95': { title: 'directions that hold 95 % of the energy of ΔH', controls: shapeControls },
  'mean-energy-share': { title: 'share of the energy of ΔH in its mean', controls: shapeControls },
  'cosine-bimodality': {
    title: 'separability of cos(Δh, v*) into two groups',
    controls: variantControls,
  },
  'interpolation-smallest-rise': {
    title: 'smallest rise of the mean margin of base + λv* in a step of λ, −1 to 1 (nats)',
    controls: steeringControls,
  },
  'interpolation-accuracy-rise': {
    title: 'smallest rise of preference accuracy of base + λv* in a step of λ, −1 to 1',
    controls: steeringControls,
  },
  'lambda-ceiling': {
    title: 'λ from which half of the texts under base + λv* are degenerate',
    controls: ['random-directions', 'shuffled-labels', 'sft'],
  },
  'oversteering-perplexity-rise': {
    title: 'log-perplexity of texts at twice the λ ceiling less that at λ = 1 (nats a token)',
    controls: ['random-directions', 'shuffled-labels', 'sft'],
  },
} as const satisfies Record<string, MetricDescription>;

export type PropertyMetric = keyof typeof propertyMetrics;
export type PromptMetric = keyof typeof promptMetrics;
export type MetricId = PropertyMetric | PromptMetric;

export const metricCatalogue: Readonly<Record<MetricId, MetricDescription>> = {
  ...propertyMetrics,
  ...promptMetrics,
};
export const metricIds = Object.keys(metricCatalogue) as [MetricId, ...MetricId[]];

export const isPropertyMetric = (id: MetricId): id is PropertyMetric => id in propertyMetrics;

/** Jinja whose work is bounded: a chat template comes with a model, and is a program that others wrote. */
import { Environment, Interpreter, parse, Template, tokenize } from '@huggingface/jinja';

/** What the package says of its types does not resolve where imports name files; this much of them is used. */
interface Value {
  readonly value: unknown;
}
interface AnyInterpreter {
  run(program: unknown): Value;
  evaluate(statement: unknown, environment: unknown): Value;
}
const PlainInterpreter = Interpreter as new (environment: unknown) => AnyInterpreter;

/** A template, parsed. */
export interface TemplateProgram {
  readonly parsed: unknown;
}

/** Bounds of one rendering; conversations of people stay thousands of times below them. */
const limits = { sourceLength: 2 ** 20, steps: 2 ** 20, listLength: 2 ** 16, textLength: 2 ** 24 } as const;

/** How much there is to go through in a value: a loop over it costs that. */
const sizeOf = ({ value }: Value): { readonly list: number; readonly text: number } => {
  if (Array.isArray(value)) return { list: value.length, text: 0 };
  if (value instanceof Map) return { list: value.size, text: 0 };
  return { list: 0, text: typeof value === 'string' ? value.length : 0 };
};

/** Counts what it evaluates, and gives up on what does not end within reason. */
class BoundedInterpreter extends PlainInterpreter {
  #steps = 0;

  override evaluate(statement: unknown, environment: unknown): Value {
    const value = super.evaluate(statement, environment);
    const { list, text } = sizeOf(value);
    if (list > limits.listLength || text > limits.textLength) {
      throw new Error(`it makes a value of ${list + text} parts`);
    }
    this.#steps += 1 + list + text / 64;
    if (this.#steps > limits.steps) throw new Error(`it takes more than ${limits.steps} steps`);
    return value;
  }
}

const range = (start: number, stop?: number, step = 1): number[] => {
  const [from, to] = stop === undefined ? [0, start] : [start, stop];
  const length = Math.max(0, Math.ceil((to - from) / step));
  if (!(length <= limits.listLength)) throw new Error(`it counts over a range of ${length} numbers`);
  return Array.from({ length }, (_, i) => from + i * step);
};

/** The time as the templates' own function writes it. */
const clock = new Template('{{ strftime_now(format) }}');

const globals: Readonly<Record<string, unknown>> = {
  false: false,
  False: false,
  true: true,
  True: true,
  none: null,
  None: null,
  range,
  raise_exception: (message: string) => {
    throw new Error(message);
  },
  strftime_now: (format: string) => clock.render({ format }),
};

/** @throws Error for what is no Jinja, or too long */
export const parseTemplate = (source: string): TemplateProgram => {
  if (source.length > limits.sourceLength) throw new Error(`it has ${source.length} characters`);
  return { parsed: parse(tokenize(source, { lstrip_blocks: true, trim_blocks: true })) };
};

/** @throws Error where the template raises one, cannot be evaluated, or does not end within its bounds */
export const renderTemplate = (
  { parsed }: TemplateProgram,
  variables: Readonly<Record<string, unknown>>,
): string => {
  const environment = new Environment();
  for (const [name, value] of Object.entries({ ...globals, ...variables })) environment.set(name, value);
  return String(new BoundedInterpreter(environment).run(parsed).value);
};

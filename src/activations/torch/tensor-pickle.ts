/**
 * Reads the pickle inside a torch.save archive as data: a stack machine that knows dictionaries, text, numbers and the
 * one call that rebuilds a tensor. It looks nothing up and runs nothing; whatever else a pickle may ask for is refused.
 */

import { PickleCursor, PickleFault } from './pickle-cursor.js';

export type StorageType = 'F32' | 'F16' | 'BF16';

/** A tensor as torch.save describes it: a view of a stored array. */
export interface PickledTensor {
  readonly kind: 'tensor';
  readonly type: StorageType;
  /** Name of the storage under the archive's data/. */
  readonly storage: string;
  /** Elements of the storage. */
  readonly storageSize: number;
  readonly offset: number;
  readonly shape: readonly number[];
  readonly strides: readonly number[];
}

interface Dictionary {
  readonly kind: 'dictionary';
  readonly entries: Map<string, Value>;
}
interface Tuple {
  readonly kind: 'tuple';
  readonly items: readonly Value[];
}
interface Global {
  readonly kind: 'global';
  readonly name: string;
}
interface Storage {
  readonly kind: 'storage';
  readonly type: StorageType;
  readonly key: string;
  readonly size: number;
}
interface Mark {
  readonly kind: 'mark';
}
type Value = string | number | boolean | null | Dictionary | Tuple | Global | Storage | PickledTensor | Mark;

const mark: Mark = { kind: 'mark' };

const storageTypes: ReadonlyMap<string, StorageType> = new Map([
  ['torch.FloatStorage', 'F32'],
  ['torch.HalfStorage', 'F16'],
  ['torch.BFloat16Storage', 'BF16'],
]);
const rebuildTensor = 'torch._utils._rebuild_tensor_v2';
const orderedDictionary = 'collections.OrderedDict';

const isKind = <K extends Exclude<Value, string | number | boolean | null>['kind']>(
  value: Value | undefined,
  kind: K,
): value is Extract<Value, { kind: K }> => typeof value === 'object' && value !== null && value.kind === kind;

const allowGlobal = (name: string): Global => {
  if (storageTypes.has(name) || name === rebuildTensor || name === orderedDictionary) {
    return { kind: 'global', name };
  }
  throw new PickleFault(
    /^torch\.\w+Storage$/.test(name)
      ? `it holds a tensor of type ${name}; FloatStorage, HalfStorage and BFloat16Storage can be read`
      : `it asks for "${name}", which is no tensor; nothing was executed`,
  );
};

const toSizes = (value: Value | undefined): number[] => {
  if (!isKind(value, 'tuple')) throw new PickleFault('a tensor has no shape');
  return value.items.map((item) => {
    if (typeof item !== 'number' || !Number.isSafeInteger(item) || item < 0) {
      throw new PickleFault('a tensor has a size that is no number');
    }
    return item;
  });
};

const toStorage = (identifier: Value): Storage => {
  const [label, type, key, , size] = isKind(identifier, 'tuple') ? identifier.items : [];
  const known = isKind(type, 'global') ? storageTypes.get(type.name) : undefined;
  if (label !== 'storage' || known === undefined || typeof key !== 'string' || typeof size !== 'number') {
    throw new PickleFault('it refers to something outside itself that is no tensor storage');
  }
  if (!/^\d+$/.test(key) || !Number.isSafeInteger(size) || size < 0)
    throw new PickleFault('a storage is damaged');
  return { kind: 'storage', type: known, key, size };
};

const call = (callable: Value, argument: Value): Value => {
  if (!isKind(callable, 'global') || !isKind(argument, 'tuple'))
    throw new PickleFault('it calls what is no function');
  if (callable.name === orderedDictionary && argument.items.length === 0) {
    return { kind: 'dictionary', entries: new Map() };
  }
  const [storage, offset, shape, strides] = argument.items;
  if (callable.name !== rebuildTensor || !isKind(storage, 'storage') || typeof offset !== 'number') {
    throw new PickleFault(`it calls "${callable.name}" in a way that builds no tensor; nothing was executed`);
  }
  return {
    kind: 'tensor',
    type: storage.type,
    storage: storage.key,
    storageSize: storage.size,
    offset,
    shape: toSizes(shape),
    strides: toSizes(strides),
  };
};

class Stack {
  readonly #values: Value[] = [];

  push(value: Value): void {
    this.#values.push(value);
  }
  pop(): Value {
    const value = this.#values.pop();
    if (value === undefined) throw new PickleFault('its pickle is damaged');
    return value;
  }
  top(): Value {
    const value = this.#values.at(-1);
    if (value === undefined) throw new PickleFault('its pickle is damaged');
    return value;
  }
  popToMark(): Value[] {
    const at = this.#values.lastIndexOf(mark);
    if (at < 0) throw new PickleFault('its pickle is damaged');
    const items = this.#values.splice(at);
    items.shift();
    return items;
  }
  popTuple(length: number): Tuple {
    const items = Array.from({ length }, () => this.pop());
    return { kind: 'tuple', items: items.reverse() };
  }
}

const setItems = (target: Value, items: readonly Value[]): void => {
  if (!isKind(target, 'dictionary')) throw new PickleFault('it fills what is no dictionary');
  for (let i = 0; i < items.length; i += 2) {
    const key = items[i];
    const value = items[i + 1];
    if (typeof key !== 'string' || value === undefined)
      throw new PickleFault('a dictionary has a key that is no text');
    target.entries.set(key, value);
  }
};

/**
 * The tensors of a pickled dictionary {name: tensor}; entries that are no tensors are left out.
 *
 * @throws PickleFault for anything that is not such a dictionary; nothing is ever executed
 */
export const readTensorPickle = (bytes: DataView): Map<string, PickledTensor> => {
  const cursor = new PickleCursor(bytes);
  const stack = new Stack();
  const memo = new Map<number, Value>();
  const recall = (index: number): Value => {
    const value = memo.get(index);
    if (value === undefined) throw new PickleFault('its pickle is damaged');
    return value;
  };
  for (;;) {
    const opcode = cursor.byte();
    switch (opcode) {
      case 0x80: // PROTO
        cursor.byte();
        break;
      case 0x95: // FRAME
        cursor.take(8);
        break;
      case 0x28: // MARK
        stack.push(mark);
        break;
      case 0x7d: // EMPTY_DICT
        stack.push({ kind: 'dictionary', entries: new Map() });
        break;
      case 0x29: // EMPTY_TUPLE
        stack.push({ kind: 'tuple', items: [] });
        break;
      case 0x74: // TUPLE
        stack.push({ kind: 'tuple', items: stack.popToMark() });
        break;
      case 0x85: // TUPLE1, TUPLE2, TUPLE3
      case 0x86:
      case 0x87:
        stack.push(stack.popTuple(opcode - 0x84));
        break;
      case 0x58: // BINUNICODE
        stack.push(cursor.text(cursor.uint32()));
        break;
      case 0x8c: // SHORT_BINUNICODE
        stack.push(cursor.text(cursor.byte()));
        break;
      case 0x4b: // BININT1
        stack.push(cursor.byte());
        break;
      case 0x4d: // BININT2
        stack.push(cursor.uint16());
        break;
      case 0x4a: // BININT
        stack.push(cursor.int32());
        break;
      case 0x8a: // LONG1
        stack.push(cursor.long());
        break;
      case 0x4e: // NONE
        stack.push(null);
        break;
      case 0x88: // NEWTRUE
        stack.push(true);
        break;
      case 0x89: // NEWFALSE
        stack.push(false);
        break;
      case 0x71: // BINPUT
        memo.set(cursor.byte(), stack.top());
        break;
      case 0x72: // LONG_BINPUT
        memo.set(cursor.uint32(), stack.top());
        break;
      case 0x94: // MEMOIZE
        memo.set(memo.size, stack.top());
        break;
      case 0x68: // BINGET
        stack.push(recall(cursor.byte()));
        break;
      case 0x6a: // LONG_BINGET
        stack.push(recall(cursor.uint32()));
        break;
      case 0x63: // GLOBAL
        stack.push(allowGlobal(`${cursor.line()}.${cursor.line()}`));
        break;
      case 0x93: {
        // STACK_GLOBAL
        const name = stack.pop();
        stack.push(allowGlobal(`${String(stack.pop())}.${String(name)}`));
        break;
      }
      case 0x51: // BINPERSID
        stack.push(toStorage(stack.pop()));
        break;
      case 0x52: {
        // REDUCE
        const argument = stack.pop();
        stack.push(call(stack.pop(), argument));
        break;
      }
      case 0x73: {
        // SETITEM
        const items = stack.popTuple(2).items;
        setItems(stack.top(), items);
        break;
      }
      case 0x75: {
        // SETITEMS
        const items = stack.popToMark();
        setItems(stack.top(), items);
        break;
      }
      case 0x2e: {
        // STOP
        const result = stack.pop();
        if (!isKind(result, 'dictionary')) throw new PickleFault('it holds no dictionary of tensors');
        return new Map(
          [...result.entries].flatMap(([name, value]) => (isKind(value, 'tensor') ? [[name, value]] : [])),
        );
      }
      default:
        throw new PickleFault(
          `its pickle has opcode 0x${opcode.toString(16).padStart(2, '0')}, which a dictionary of tensors does not need; nothing was executed`,
        );
    }
  }
};

// One file with the types of the library, out of the declarations that tsc wrote for each module: the statements that the
// entry's exports reach, and no others. tsc indents whatever is inside a statement, so a line tells where the next one begins.
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const BEGIN = /^(?:export |declare |import |interface |type |class )/;
const DECLARES =
  /^(?:export )?(?:declare )?(?:abstract )?(?:interface|type|class|function|const) ([A-Za-z_$][\w$]*)/;
const FROM = /^(import|export) (type )?\{([^}]*)\} from '([^']+)';$/;

/** The statements of a file, each with the comment above it. */
function statementsOf(text) {
  const found = [];
  let comment = [];
  for (const line of text.split('\n').filter((each) => each !== '')) {
    if (/^(?:\/\*\*| \*)/.test(line)) {
      comment.push(line);
    } else if (BEGIN.test(line)) {
      // Of two comments the first is the file's.
      found.push({
        comment: comment.slice(comment.findLastIndex((each) => each.startsWith('/**'))),
        code: line,
      });
      comment = [];
    } else {
      const last = found.at(-1);
      if (last === undefined) throw new Error(`a declaration that begins with '${line}'`);
      // A union has comments between its members.
      last.code = [last.code, ...comment, line].join('\n');
      comment = [];
    }
  }
  return found;
}

/** `A, type B` as names. One name for one thing: what is renamed on the way cannot be rolled. */
function namesIn(list, file) {
  return list.split(',').map((part) => {
    const [, type, name] = /^\s*(type )?([A-Za-z_$][\w$]*)\s*$/.exec(part) ?? [];
    if (name === undefined) throw new Error(`${file} renames what it imports: ${part}`);
    return { name, type: type !== undefined };
  });
}

/** What a module declares, and where the names that it imports and passes on come from. */
function readModule(file) {
  const module = { file, declared: new Map(), from: new Map(), exported: new Map() };
  for (const { comment, code } of statementsOf(readFileSync(file, 'utf8'))) {
    const [, verb, type, list, path] = FROM.exec(code) ?? [];
    const name = DECLARES.exec(code)?.[1];
    if (path !== undefined) {
      if (!path.startsWith('.')) throw new Error(`${file} needs types of ${path}`);
      const target = join(dirname(file), path.replace(/\.ts$/, '.d.ts'));
      for (const each of namesIn(list, file)) {
        module.from.set(each.name, target);
        if (verb === 'export') module.exported.set(each.name, type === undefined && !each.type);
      }
    } else if (name !== undefined) {
      module.declared.set(name, { comment, code });
      if (code.startsWith('export ')) module.exported.set(name, true);
    } else if (code !== 'export {};') throw new Error(`${file}: a statement that cannot be rolled: ${code}`);
  }
  return module;
}

/** The code with comments and strings blanked, so that no word in them counts as a name. */
function wordsOf(code) {
  const bare = code.replace(/\/\*[\s\S]*?\*\//g, '').replace(/'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"/g, '');
  return new Set(bare.match(/[A-Za-z_$][\w$]*/g));
}

/** Of a class that the importer sees as a type only, the constructor is no business of his. */
const withoutConstructor = (code) =>
  code.replace(/(?:^ {4}\/\*\*[^\n]*\n)?^ {4}constructor\([^;]*\);\n/m, '');

export function rollTypes(entry) {
  const modules = new Map();
  const open = (file) => {
    if (!modules.has(file)) modules.set(file, readModule(file));
    return modules.get(file);
  };
  const { exported } = open(entry);
  const taken = new Map();
  const reach = (name, module) => {
    const passedOn = module.from.get(name);
    if (passedOn !== undefined) return reach(name, open(passedOn));
    const { comment, code } = module.declared.get(name) ?? {};
    if (code === undefined) return;
    const before = taken.get(name);
    if (before !== undefined) {
      if (before.file !== module.file)
        throw new Error(`${before.file} and ${module.file} both have a ${name}`);
      return;
    }
    const plain = code.replace(/^export /, '');
    const kept = exported.get(name) === true ? plain : withoutConstructor(plain);
    taken.set(name, { file: module.file, comment, code: kept, shown: exported.has(name) });
    for (const word of wordsOf(kept)) if (word !== name) reach(word, module);
  };
  for (const name of exported.keys()) reach(name, open(entry));
  const parts = [...taken.values()].map(({ comment, code, shown }) =>
    [...comment, `${shown ? 'export ' : ''}${code}`].join('\n'),
  );
  return `${parts.join('\n')}\nexport {};\n`;
}

// Makes a checkout runnable: packages, then the build, each only when something changed. Plain JavaScript,
// because it runs before anything is installed.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = dirname(dirname(fileURLToPath(import.meta.url)));
const INSTALLED = join(root, 'node_modules', '.forkyard-installed');
/** Says from which sources `dist` was built; `build.mjs` writes it. */
export const BUILT = join(root, 'dist', '.forkyard-built');

/** Ends the program with a sentence and exit code 1. */
export function fail(message) {
  process.stderr.write(`forkyard: ${message}\n`);
  process.exit(1);
}

/** Refuses a Node that cannot run this, before anything newer than it is parsed. */
export function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major < 20 || (major === 20 && minor < 19)) {
    fail(`Node ${process.versions.node} is too old, 20.19 or later is needed. See https://nodejs.org`);
  }
}

/** Runs a program; its output is kept and shown only if it fails, unless `show`. Resolves to the exit code. */
export function run(command, args, { show = false, env = process.env } = {}) {
  return new Promise((resolve) => {
    // Windows finds npm only as npm.cmd, which needs a shell; no argument here comes from outside.
    const child = spawn(command, args, {
      cwd: root,
      env,
      stdio: show ? 'inherit' : ['ignore', 'pipe', 'pipe'],
      shell: process.platform === 'win32',
    });
    const kept = [];
    child.stdout?.on('data', (data) => kept.push(data));
    child.stderr?.on('data', (data) => kept.push(data));
    child.on('error', (error) => resolve({ code: 1, output: `${command}: ${error.message}` }));
    child.on('close', (code, signal) =>
      resolve({ code: code ?? (signal === 'SIGINT' ? 130 : 1), output: Buffer.concat(kept).toString() }),
    );
  });
}

export function filesUnder(folder) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((e) => (e.isDirectory() ? filesUnder(join(folder, e.name)) : [join(folder, e.name)]));
}

function fingerprint(paths) {
  const hash = createHash('sha256').update(`${process.version} ${process.platform} ${process.arch}\n`);
  for (const path of paths) {
    if (existsSync(path) && statSync(path).isFile()) {
      hash.update(`${relative(root, path)}\n`).update(readFileSync(path));
    }
  }
  return hash.digest('hex');
}

function stamped(stamp, print) {
  return existsSync(stamp) && readFileSync(stamp, 'utf8') === print;
}

async function timed(out, label, work) {
  const start = process.hrtime.bigint();
  out.write(`${label} `);
  await work();
  out.write(`${(Number(process.hrtime.bigint() - start) / 1e9).toFixed(0)} s ✓  `);
}

async function install() {
  const { code, output } = await run('npm', ['ci', '--no-audit', '--no-fund']);
  if (code !== 0) {
    process.stderr.write('\n');
    // npm says what is wrong first, then explains its options.
    const errors = output.split('\n').filter((line) => line.startsWith('npm error'));
    process.stderr.write(`${errors.slice(0, 12).join('\n')}\n`);
    fail('npm could not install the packages (above is what it said). Check the network, then try again.');
  }
}

async function build() {
  const { code, output } = await run(process.execPath, [join(root, 'scripts', 'build.mjs')]);
  if (code !== 0) {
    process.stderr.write('\n');
    process.stderr.write(`${output.trim()}\n`);
    fail('the build failed (above is why). If you changed nothing, please report it.');
  }
}

/** Whether somebody has run `npm ci` here: npm notes what it installed. Optional packages may be for another machine. */
function installedByNpm() {
  const packagesIn = (path) => JSON.parse(readFileSync(join(root, path), 'utf8')).packages;
  try {
    const there = packagesIn('node_modules/.package-lock.json');
    return Object.entries(packagesIn('package-lock.json')).every(
      ([path, { version, integrity, optional }]) =>
        path === '' ||
        (there[path] === undefined
          ? optional === true
          : there[path].version === version && there[path].integrity === integrity),
    );
  } catch {
    return false;
  }
}

/** Everything that a build depends on, as one hash. */
export function sourcesPrint() {
  const others = [
    'package.json',
    'package-lock.json',
    'tsconfig.json',
    'tsconfig.base.json',
    'tsconfig.page.json',
    'tsconfig.pure.json',
    'tsconfig.world.json',
    'scripts/build.mjs',
    'scripts/notices.mjs',
    'scripts/roll-types.mjs',
  ];
  const folders = ['src', 'scripts/bench', 'scripts/kill-loop'].flatMap((folder) =>
    filesUnder(join(root, folder)),
  );
  return fingerprint([...folders, ...others.map((file) => join(root, file))]);
}

/** What has to be done before this checkout runs: nothing, the build, or both. */
export function missing() {
  const lock = fingerprint([join(root, 'package-lock.json')]);
  if (!existsSync(INSTALLED) && installedByNpm()) writeFileSync(INSTALLED, lock);
  const packages = !stamped(INSTALLED, lock);
  return { packages, build: packages || !stamped(BUILT, sourcesPrint()), lock };
}

/** Installs and builds what is missing or out of date; says so to `out`, with seconds, and is silent when all is there. */
export async function setUp(out = process.stdout) {
  const { packages, build: outdated, lock } = missing();
  if (!outdated) return;
  out.write(packages ? ' first run: ' : ' sources changed: ');
  if (packages) {
    await timed(out, 'packages', install);
    writeFileSync(INSTALLED, lock);
  }
  await timed(out, 'build', build);
  out.write('\n');
}

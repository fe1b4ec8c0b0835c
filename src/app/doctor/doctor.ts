import {
  clockCheck,
  coresCheck,
  type DoctorRow,
  diskCheck,
  kernelChecks,
  memoryCheck,
  nodeCheck,
  portsCheck,
  signatureChecks,
} from './checks.ts';

export interface DoctorReport {
  /** No row is bad. */
  readonly ok: boolean;
  readonly rows: readonly DoctorRow[];
}

export interface DoctorOptions {
  /** Where a yard would keep its data; it need not exist. */
  readonly dir: string;
  /** Told as each check ends: some take a second. */
  readonly onRow?: (row: DoctorRow) => void;
}

type Check = (
  dir: string,
) => DoctorRow | Promise<DoctorRow> | Promise<readonly DoctorRow[]> | readonly DoctorRow[];

/** Each entry is one visit; a check that throws is a bad row of its own and stops none of the others. */
const CHECKS: readonly { readonly name: string; readonly check: Check }[] = [
  { name: 'node', check: () => nodeCheck(process.versions.node) },
  { name: 'cores', check: coresCheck },
  { name: 'memory', check: memoryCheck },
  { name: 'clock', check: clockCheck },
  { name: 'ports', check: portsCheck },
  { name: 'disk', check: diskCheck },
  { name: 'signatures', check: signatureChecks },
  { name: 'kernels', check: kernelChecks },
];

/** Looks at everything that a yard stands on. Leaves nothing behind. */
export async function runDoctor(o: DoctorOptions): Promise<DoctorReport> {
  const rows: DoctorRow[] = [];
  for (const { name, check } of CHECKS) {
    for (const row of await visit(name, check, o.dir)) {
      rows.push(row);
      o.onRow?.(row);
    }
  }
  return { ok: rows.every((row) => row.state !== 'bad'), rows };
}

async function visit(name: string, check: Check, dir: string): Promise<readonly DoctorRow[]> {
  try {
    const result = await check(dir);
    return 'state' in result ? [result] : result;
  } catch (error) {
    return [{ name, state: 'bad', figure: error instanceof Error ? error.message : String(error) }];
  }
}

const MARKS = { ok: '✓', warn: '!', bad: '✗' } as const;
const ASCII_MARKS = { ok: '+', warn: '!', bad: 'x' } as const;

/** One line, or two when there is something to do. */
export function renderRow(row: DoctorRow, ascii = false): string {
  const mark = (ascii ? ASCII_MARKS : MARKS)[row.state];
  const line = `${mark} ${row.name.padEnd(20)} ${row.figure}`;
  return row.advice === undefined ? line : `${line}\n  ${' '.repeat(20)} ${row.advice}`;
}

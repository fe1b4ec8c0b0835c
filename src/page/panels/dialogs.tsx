import { useEffect, useRef, useState } from 'preact/hooks';
import type { VerbName } from '../../yard/verbs.ts';
import type { App } from '../state/app.ts';

/** One small form an action. The sentence under it is the action's own, from the launcher, before anything is done. */

interface Field {
  readonly name: string;
  readonly label: string;
  readonly start: (app: App) => string;
  readonly options?: (app: App) => readonly string[];
  readonly hint?: string;
}

const node = (app: App) => app.letters;
const people = (app: App) => app.facts.people;
const half = (app: App) => Math.ceil(app.letters.length / 2);
const pair = (app: App) => `${app.letters[0] ?? 'A'}-${app.letters.at(-1) ?? 'B'}`;
const at = (app: App, person: number, index: number) =>
  `${app.facts.people[person] ?? ''}@${app.letters[index] ?? 'A'}`;

const FORMS: Partial<
  Readonly<Record<VerbName, { readonly title: string; readonly fields: readonly Field[] }>>
> = {
  mine: {
    title: 'Mine',
    fields: [
      { name: 'node', label: 'on node', start: (a) => a.letters[0] ?? 'A', options: node },
      { name: 'blocks', label: 'blocks', start: () => '1' },
      { name: 'hashrate', label: 'hash rate', start: () => 'uncapped', hint: 'uncapped, 50kH/s' },
    ],
  },
  send: {
    title: 'Pay',
    fields: [
      { name: 'from', label: 'from', start: () => 'alice', options: people },
      { name: 'to', label: 'to', start: () => 'bob', options: people },
      { name: 'amount', label: 'coins', start: () => '1.5' },
      { name: 'node', label: 'at node', start: (a) => a.letters[0] ?? 'A', options: node },
    ],
  },
  'double-spend': {
    title: 'Double-spend',
    fields: [
      { name: 'from', label: 'from', start: () => 'alice', options: people },
      { name: 'first', label: 'to, at', start: (a) => at(a, 2, 0) },
      { name: 'second', label: 'and to, at', start: (a) => at(a, 3, a.letters.length - 1) },
      { name: 'amount', label: 'coins each', start: () => '', hint: 'one whole coin' },
    ],
  },
  partition: {
    title: 'Cut',
    fields: [
      {
        name: 'groups',
        label: 'groups',
        start: (a) => `${a.letters.slice(0, half(a)).join('')}/${a.letters.slice(half(a)).join('')}`,
        hint: 'AB/CD, or A>C for one way',
      },
    ],
  },
  reorg: {
    title: 'Reorg',
    fields: [
      { name: 'depth', label: 'blocks deep', start: () => '2' },
      { name: 'lead', label: 'winner ahead by', start: () => '1' },
      { name: 'losers', label: 'on nodes', start: (a) => a.letters.slice(half(a)).join('') },
    ],
  },
  freeze: {
    title: 'Freeze',
    fields: [{ name: 'node', label: 'node', start: (a) => a.letters.at(-1) ?? 'A', options: node }],
  },
  kill: {
    title: 'Kill (-9)',
    fields: [{ name: 'node', label: 'node', start: (a) => a.letters.at(-1) ?? 'A', options: node }],
  },
  link: {
    title: 'Links',
    fields: [
      { name: 'links', label: 'which', start: pair, hint: 'A-C, or A>C for one way' },
      { name: 'delay', label: 'delay, one way', start: () => '', hint: '200ms' },
      { name: 'jitter', label: 'jitter, ±', start: () => '', hint: '20ms' },
      { name: 'loss', label: 'loss', start: () => '', hint: '1%' },
      { name: 'rate', label: 'rate', start: () => '', hint: '1Mbit/s' },
      { name: 'drop', label: 'drop', start: () => '', hint: '10%' },
    ],
  },
  set: {
    title: 'Set',
    fields: [
      { name: 'node', label: 'node', start: (a) => a.letters.at(-1) ?? 'A', options: node },
      { name: 'clock', label: 'clock ahead by', start: () => '', hint: '+90s, -2m, 0s' },
      { name: 'hashrate', label: 'hash rate', start: () => '', hint: '1MH/s, uncapped' },
    ],
  },
  start: {
    title: 'Start',
    fields: [{ name: 'node', label: 'node', start: (a) => a.letters.at(-1) ?? 'A', options: node }],
  },
};

interface Plan {
  readonly text: string;
  readonly isWrong: boolean;
}

const NO_PLAN: Plan = { text: '', isWrong: false };
/** A person types several letters in this. */
const ASK_AFTER_MS = 120;
const UNANSWERED_MS = 1_500;
const ASK_AGAIN_MS = 2_000;

export function Dialog({ app }: { app: App }) {
  const { dialog } = app;
  const form = dialog === undefined ? undefined : FORMS[dialog.verb];
  if (dialog === undefined || form === undefined) return null;
  return <Form key={dialog.verb} app={app} verb={dialog.verb} given={dialog.fields} form={form} />;
}

interface FormProps {
  readonly app: App;
  readonly verb: VerbName;
  readonly given: Readonly<Record<string, string>>;
  readonly form: { readonly title: string; readonly fields: readonly Field[] };
}

function Form(props: FormProps) {
  const { app, form } = props;
  const box = useRef<HTMLDialogElement>(null);
  const close = () => {
    app.dialog = undefined;
    app.changed();
  };
  useEffect(() => {
    const dialog = box.current!;
    // Focuses its first field. Closing gives the focus back to where it was.
    dialog.showModal();
    if (document.activeElement instanceof HTMLInputElement) document.activeElement.select();
    return () => dialog.close();
  }, []);
  return (
    <dialog
      class="dialog"
      ref={box}
      aria-label={form.title}
      // By Escape. The event comes late: after an unmount it is about a form that is gone.
      onClose={() => {
        if (box.current !== null) close();
      }}
      // The form fills the dialog, so what hits the dialog itself is beside it.
      onMouseDown={(event) => {
        if (event.target === box.current) close();
      }}
    >
      <Fields {...props} close={close} />
    </dialog>
  );
}

/** The fields, the sentence of what they would do, and the buttons. */
function Fields({ app, verb, given, form, close }: FormProps & { readonly close: () => void }) {
  const [values, setValues] = useState<Record<string, string>>(() =>
    Object.fromEntries(form.fields.map((f) => [f.name, given[f.name] ?? f.start(app)])),
  );
  const isSilent = app.silentSince !== undefined;
  const plan = usePlan(app, verb, values);
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        void app.perform(verb, values);
      }}
    >
      <h2>{form.title}</h2>
      {form.fields.map((field) => (
        <FieldRow
          key={field.name}
          app={app}
          field={field}
          value={values[field.name]}
          set={(value) => setValues({ ...values, [field.name]: value })}
        />
      ))}
      <p class={plan.isWrong || isSilent ? 'plan wrong' : 'plan'}>
        {isSilent ? `No word from the yard ${app.silenceWords}.` : plan.text}
      </p>
      <div class="ends">
        <button type="submit" class="main" disabled={plan.isWrong || isSilent}>
          {form.title}
        </button>
        <button type="button" onClick={close}>
          Cancel
        </button>
      </div>
    </form>
  );
}

/** What the yard says these values would do, or why they are wrong. */
function usePlan(app: App, verb: VerbName, values: Readonly<Record<string, string>>): Plan {
  const [plan, setPlan] = useState<Plan>(NO_PLAN);
  const [tries, setTries] = useState(0);
  const isSilent = app.silentSince !== undefined;
  useEffect(() => {
    let isOver = false;
    const timers = [setTimeout(() => void askPlan(), ASK_AFTER_MS)];
    const askPlan = async () => {
      // The sentence of other values must not stay under these.
      timers.push(setTimeout(() => setPlan(NO_PLAN), UNANSWERED_MS));
      await app.actor?.({ verb, fields: values, dry: true }, (told) => {
        if (isOver) return;
        clearTimeout(timers[1]);
        if ('plan' in told) setPlan({ text: told.plan, isWrong: false });
        if (!('problem' in told)) return;
        setPlan({ text: [told.problem, told.hint ?? ''].join('. ').replace(/\. $/, ''), isWrong: true });
        // Nothing is wrong with the values: the next answer may come.
        if (told.isUnheard === true) timers.push(setTimeout(() => setTries(tries + 1), ASK_AGAIN_MS));
      });
    };
    return () => {
      isOver = true;
      for (const timer of timers) clearTimeout(timer);
    };
  }, [values, tries, isSilent]);
  return plan;
}

function FieldRow(props: {
  app: App;
  field: Field;
  value: string | undefined;
  set: (value: string) => void;
}) {
  const { app, field, value, set } = props;
  const options = field.options?.(app);
  return (
    <label for={`field-${field.name}`}>
      <span>{field.label}</span>
      {options === undefined ? (
        <input
          id={`field-${field.name}`}
          name={field.name}
          value={value}
          placeholder={field.hint}
          autocomplete="off"
          spellcheck={false}
          size={Math.max(5, Math.min(14, (value ?? '').length + 2))}
          onInput={(event) => set(event.currentTarget.value)}
        />
      ) : (
        <select
          id={`field-${field.name}`}
          name={field.name}
          value={value}
          onChange={(event) => set(event.currentTarget.value)}
        >
          {options.map((option) => (
            <option key={option}>{option}</option>
          ))}
        </select>
      )}
    </label>
  );
}

/** The sentences of the action that runs or ran last. */
export function Progress({ app }: { app: App }) {
  const { doing } = app;
  if (doing === undefined) return null;
  return (
    <section class={`progress ${doing.state}`} role="status" aria-live="polite">
      <button
        type="button"
        class="close"
        aria-label="Close"
        onClick={() => {
          app.doing = undefined;
          app.changed();
        }}
      >
        ✕
      </button>
      {doing.lines.map((line, i) => (
        // The lines of one action only grow.
        <p key={i} class={/\S {2,}\S/.test(line) ? 'columns' : ''}>
          {line}
        </p>
      ))}
      {doing.state === 'running' && (
        <p class="running">
          {app.silentSince === undefined
            ? 'at work …'
            : `at work; no word from the yard ${app.silenceWords} …`}
        </p>
      )}
    </section>
  );
}

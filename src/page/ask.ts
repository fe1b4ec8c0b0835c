import type { LogEvent } from '../events/events.ts';
import type { ActionRequest } from '../yard/perform.ts';
import { eventIn, factsIn, nodesIn, toldIn } from './state/answers.ts';
import type { NodeFacts, PageTold, YardFacts } from './state/facts.ts';

/** Requests to the launcher's server. What does not come, or is not what a yard answers, is a `NoAnswer`. */

/** A server that is stopped takes a connection and never answers; the next question must not wait for it. */
const PATIENCE_MS = 10_000;

/** Nothing came, or nothing that can be read; the message is a whole sentence without its full stop. */
export class NoAnswer extends Error {}

/** The browser's own words for a connection that fails differ; ours are one sentence. */
function noAnswer(error: unknown): NoAnswer {
  if (error instanceof NoAnswer) return error;
  if (error instanceof TypeError || error instanceof DOMException) {
    return new NoAnswer('the yard does not answer', { cause: error });
  }
  throw error;
}

async function ask(path: string): Promise<string> {
  try {
    const response = await fetch(path, { signal: AbortSignal.timeout(PATIENCE_MS) });
    if (!response.ok) throw new NoAnswer(`the yard answers ${response.status} to ${path}`);
    return await response.text();
  } catch (error) {
    throw noAnswer(error);
  }
}

function understood<T>(path: string, answer: T | undefined): T {
  if (answer === undefined) throw new NoAnswer(`the answer to ${path} is not a yard’s`);
  return answer;
}

export async function fetchFacts(): Promise<YardFacts> {
  return understood('/yard', factsIn(await ask('/yard')));
}

export async function fetchNodes(): Promise<readonly NodeFacts[]> {
  return understood('/nodes', nodesIn(await ask('/nodes')));
}

/** A line that is not whole (the file is being written) is left to the stream that follows. */
export async function fetchLog(): Promise<LogEvent[]> {
  const lines = (await ask('/log')).split('\n').filter((line) => line !== '');
  const events = lines.map(eventIn).filter((event) => event !== undefined);
  if (events.length === 0 && lines.length > 0) throw new NoAnswer('the answer to /log is not a yard’s');
  return events;
}

const START_AGAIN = 'If it has ended, start it again: forkyard up';
/** Nobody can say more from here: the yard carries an action to its end, or it died on the way. */
const HALF_DONE = 'What became of it is in the tree and in the log.';

/** Asks for an action and gives its sentences as they come; the last one is `done` or `problem`, or the plan of a dry one. */
export async function act(
  token: string,
  request: ActionRequest,
  onTold: (told: PageTold) => void,
): Promise<void> {
  let isOver = false;
  let isBegun = false;
  const tell = (told: PageTold) => {
    isBegun ||= 'plan' in told && request.dry !== true;
    isOver ||= 'done' in told || 'problem' in told || ('plan' in told && request.dry === true);
    onTold(told);
  };
  try {
    await readAction(token, request, tell);
    if (!isOver) throw new NoAnswer('the answer ended before the action did');
  } catch (error) {
    const { message } = noAnswer(error);
    if (isOver) return;
    if (isBegun)
      tell({ problem: 'the yard fell silent before the action ended', hint: HALF_DONE, isUnheard: true });
    else if (request.dry === true) tell({ problem: message, isUnheard: true });
    else tell({ problem: message, hint: START_AGAIN, isUnheard: true });
  }
}

async function readAction(
  token: string,
  request: ActionRequest,
  tell: (told: PageTold) => void,
): Promise<void> {
  const response = await fetch('/action', {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-forkyard-token': token },
    body: JSON.stringify(request),
    // A plan is quick or not at all; an action may take minutes.
    ...(request.dry === true ? { signal: AbortSignal.timeout(PATIENCE_MS) } : {}),
  });
  if (!response.ok) {
    const isSentence = response.headers.get('content-type')?.startsWith('text/plain') === true;
    const said = isSentence ? (await response.text()).trim() : '';
    // A refusal in words is an answer; the code of something in between is none.
    if (said === '' || said.length > 300)
      throw new NoAnswer(`the yard answers ${response.status} to /action`);
    tell({ problem: said });
    return;
  }
  if (response.body === null) return;
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const lines = (rest + value).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) tell(understood('/action', toldIn(line)));
  }
}

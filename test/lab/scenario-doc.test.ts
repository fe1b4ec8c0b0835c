import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { FIGURES } from '../../src/lab/scenario/assertion-figures.ts';
import { FIELDS, parseScenario } from '../../src/lab/scenario/parse.ts';
import { ACTIONS } from '../../src/lab/scenario/steps.ts';

const doc = readFileSync(new URL('../../docs/scenarios.md', import.meta.url), 'utf8');

describe('docs/scenarios.md', () => {
  it.each(FIELDS)('has the field %s', (field) => expect(doc).toContain('`' + field + '`'));
  it.each(Object.keys(ACTIONS))('has the step %s', (step) => expect(doc).toContain('`' + step + ':'));
  it.each(Object.entries(FIGURES))(
    'has the figure %s with its unit and what it is',
    (name, { unit, says }) => {
      expect(doc).toMatch(new RegExp('^\\| `' + name + '[^`]*` \\| ' + unit + ' \\| ', 'm'));
      expect(doc).toContain(says);
    },
  );

  it('has an example that is a scenario', () => {
    const [, yaml = ''] = /```yaml\n([\s\S]*?)```/.exec(doc) ?? [];
    expect(parseScenario(yaml)).toMatchObject({ scenario: { title: 'A cut, and who pays for it' } });
  });
});

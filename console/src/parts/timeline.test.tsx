import { MantineProvider } from '@mantine/core';
import { render, screen } from '@testing-library/react';
import { MemoryRouter } from 'react-router';
import { beforeAll, describe, expect, it } from 'vitest';
import { i18n, startTexts } from '../app/i18n';
import type { Thing } from '../api/client';
import { AttemptStory, moments } from './attempt_story';
import { Timeline } from './timeline';

const AT_US = 1_772_000_000_000_000;
const agents = new Map([[3, 'carla']]);
const attempt: Thing<'Attempt'> = {
  id: 42,
  campaign: 'spring',
  lead: 7,
  attempt_number: 2,
  number: '+12125550100',
  trunk: 'carrier',
  caller_id: '+12125550199',
  at_us: AT_US,
  consent_rule: 'not-required:us',
  consent_proof: null,
  why: { why: 'one call for one free agent', forecast_person: 0.341, forecast_no_agent: 0.0123 } as never,
  end: {
    outcome: 'connected', counted_as: 'connected', verdict: 'human', agent: 3, cause_whose: 'callee', cause_code: null, ringing_us: AT_US + 1_200_000,
    answered_us: AT_US + 9_000_000, greeting_end_us: AT_US + 10_100_000, verdict_us: AT_US + 10_300_000, connected_us: AT_US + 10_520_000, ended_us: AT_US + 95_000_000,
  },
};

beforeAll(async () => {
  await startTexts();
  await i18n.loadNamespaces(['words', 'attempt']);
});

describe('a timeline', () => {
  it('counts from its first moment and names what it does not know as it is', () => {
    render(<Timeline entries={[{ at_us: AT_US, what: 'began' }, { at_us: AT_US + 1_250_000, what: 'went_to_moon', detail: '<b>far</b>' }]} />);
    const [first, second] = screen.getAllByRole('listitem');
    expect(first?.textContent).toContain('+0.00 s');
    expect(second?.textContent).toBe('+1.25 swent to moon <b>far</b>');
  });
});

describe('details of a timeline', () => {
  it('are words where they are codes, and stay where they are names', () => {
    const details: [string, string][] = [['began', 'outbound'], ['verdict', 'human (HUMAN)'], ['verdict', 'machine (LONGGREETING)'], ['agent_reserved', 'callee'], ['ended', 'callee 486'], ['ended', 'martians']];
    render(<Timeline entries={details.map(([what, detail]) => ({ at_us: AT_US, what, detail }))} />);
    expect(screen.getAllByRole('listitem').map((item) => item.textContent?.replace('+0.00 s', ''))).toEqual([
      'Began Outbound', 'Recognised as Person', 'Recognised as Machine (LONGGREETING)', 'Agent chosen callee', 'Ended by the called person, 486', 'Ended martians',
    ]);
  });
});

describe('an attempt', () => {
  it('has its moments in their order, and those that never came are not there', () => {
    expect(moments(attempt).map((one) => one.what)).toEqual(['decided', 'ringing', 'answered', 'greeting_end', 'verdict', 'connected', 'ended']);
    const end = { ...attempt.end!, answered_us: null, greeting_end_us: null, verdict_us: null, connected_us: null };
    expect(moments({ ...attempt, end }).map((one) => one.what)).toEqual(['decided', 'ringing', 'ended']);
    expect(moments({ ...attempt, end: null }).map((one) => one.what)).toEqual(['decided']);
  });

  it('says why it was made, what allowed it and how long the person waited', () => {
    render(<MantineProvider><MemoryRouter><AttemptStory attempt={attempt} agents={agents} zone="America/New_York" /></MemoryRouter></MantineProvider>);
    for (const text of [/one call for one free agent/, /34% that a person answers/, /1\.2%/, /profile US ask for no consent/, /carla/, /0\.42 s from the end of the greeting/, /there$/]) {
      expect(screen.getAllByText(text).length, String(text)).toBeGreaterThan(0);
    }
  });

  it('names a consent on file with its proof, and a rule that is new as it is', () => {
    const { rerender } = render(<MantineProvider><MemoryRouter><AttemptStory attempt={{ ...attempt, consent_rule: 'consent-on-file', consent_proof: 'form 4711' }} agents={agents} /></MemoryRouter></MantineProvider>);
    expect(screen.getByText('A consent that was on file. Proof: form 4711.')).toBeTruthy();
    rerender(<MantineProvider><MemoryRouter><AttemptStory attempt={{ ...attempt, consent_rule: 'moon-law' }} agents={agents} /></MemoryRouter></MantineProvider>);
    expect(screen.getByText('Rule: moon-law.')).toBeTruthy();
  });
});

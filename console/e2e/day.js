// A made-up working day, one board a second, the same each time: what the console is given where a test needs more time
// or more campaigns than a demo has.

export const DAY_S = 86_400;
const NAMES = ['spring-renewals', 'solar-survey', 'late-payments', 'welcome-calls', 'win-back', 'reminders'];
const STATES = ['running', 'running', 'running', 'paused', 'running', 'stopped'];
const AGENT_STATES = ['logged_out', 'on_break', 'ready', 'reserved', 'talking', 'wrap_up'];
const OUTCOMES = [
  ['no_answer', 0.42], ['machine', 0.2], ['connected', 0.192], ['busy', 0.07], ['declined', 0.04], ['bad_number', 0.03],
  ['failed', 0.02], ['hung_up_early', 0.015], ['ivr', 0.01], ['abandoned', 0.003],
];

/** Repeatable randomness (mulberry32). */
function random(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

export class Day {
  constructor({ seed = 1, campaigns = NAMES.length, start_ms = Date.UTC(2026, 2, 2, 13) } = {}) {
    this.chance = random(seed);
    this.start_ms = start_ms;
    this.second = 0;
    this.campaigns = NAMES.slice(0, campaigns).map((name, index) => {
      const limit = index === 2 ? 0.02 : 0.03;
      const settings = { name, list: name, trunk: 'carrier', caller_id: '+12125550100', mode: index === 3 ? 'power' : 'predictive', ratio: 1.5, limit, amd: true };
      return { id: index + 1, name, team: 6 + index * 5, state: STATES[index], attempts: 0, connected: 0, abandoned: 0, outcomes: {}, limit, settings };
    });
  }

  /** The next second's board. */
  next() {
    this.second += 1;
    const campaigns = this.campaigns.map((campaign) => this.dial(campaign));
    const sum = (of) => campaigns.reduce((total, campaign) => total + of(campaign), 0);
    const calls = sum((campaign) => campaign.ringing + campaign.answered + campaign.waiting + campaign.talking);
    return {
      at_us: (this.start_ms + this.second * 1_000) * 1_000,
      campaigns,
      agents: Object.fromEntries(AGENT_STATES.map((state) => [state, sum((campaign) => campaign.agents[state])])),
      calls,
      calls_per_s: calls / 30,
      trunks: [{ name: 'carrier', host: '127.0.0.1:5070', up: true, registered: null, channels: calls, channels_max: 400, cps_max: 40 }],
      engine: { late_over_1ms: Math.floor(this.second / 900), send_lateness_us: { p50: 86, p99: 210 + Math.round(this.chance() * 20), max: 1_840 }, legs: calls + 40 },
      store: { kind: 'sqlite', state: 'ok', waiting_rows: Math.round(this.chance() * 5), since_us: null, fault: null },
    };
  }

  dial(campaign) {
    const { chance, second } = this;
    const wave = 1 + 0.35 * Math.sin((second / 220) * Math.PI) + 0.15 * Math.sin((second / 37) * Math.PI);
    const running = campaign.state === 'running';
    const on_break = running ? Math.max(0, Math.round(campaign.team * 0.1 * (1 + Math.sin(second / 300)))) : 0;
    const working = running ? campaign.team - on_break : 0;
    const talking = Math.round(Math.min(working, working * 0.6 * wave + chance() * 0.6));
    const wrap_up = Math.min(working - talking, Math.round(working * 0.18 * (1 + 0.4 * Math.sin(second / 31)) + chance() * 0.4));
    const reserved = Math.min(working - talking - wrap_up, chance() < 0.25 ? 1 : 0);
    const ready = working - talking - wrap_up - reserved;
    const launched = running ? Math.round(ready * 0.6 * chance() + working * 0.05 * chance() + chance() * 0.6) : 0;
    campaign.attempts += launched;
    for (let i = 0; i < launched; i += 1) {
      let draw = chance();
      const [outcome] = OUTCOMES.find(([, weight]) => (draw -= weight) < 0) ?? OUTCOMES[0];
      campaign.outcomes[outcome] = (campaign.outcomes[outcome] ?? 0) + 1;
      if (outcome === 'connected') campaign.connected += 1;
      if (outcome === 'abandoned') campaign.abandoned += 1;
    }
    const { limit } = campaign;
    const ledger = ['run', 'local_day', 'days:30'].slice(0, campaign.id === 1 ? 3 : 1).map((window, at) => {
      const [abandoned, connected] = [campaign.abandoned + at * 2, campaign.connected + at * 150];
      const abandon_rate = abandoned + connected ? abandoned / (abandoned + connected) : 0;
      return { window, connected, abandoned, machines: 0, abandon_rate, limit, budget_left: Math.floor((limit * connected) / (1 - limit) - abandoned) };
    });
    const why_code = !running ? 'not_running' : { 3: 'ledger_reserve', 5: 'no_trunk_room' }[campaign.id] ?? 'price';
    return {
      id: campaign.id, name: campaign.name, list: campaign.name, state: campaign.state, since_us: this.start_ms * 1_000, profile: 'us', why: why_code, why_code,
      settings: campaign.settings, attempts: campaign.attempts, attempts_open: talking,
      ringing: running ? Math.round(working * 0.5 * (1 + 0.4 * Math.sin(second / 23 + campaign.id)) + chance()) : 0, answered: running && chance() < 0.6 ? 1 : 0,
      waiting: running && chance() < 0.03 ? 1 : 0, talking, in_message: 0, connected: campaign.connected, abandoned: campaign.abandoned, ledger,
      agents: { logged_out: campaign.team - working - on_break, on_break, ready, reserved, talking, wrap_up },
      occupancy: running ? 0.7 + 0.12 * Math.sin(second / 500) : 0, outcomes: { ...campaign.outcomes },
      leads: { ready: Math.max(0, 20_000 - campaign.attempts), leased: talking, waiting: Math.round(campaign.attempts * 0.4), done: Math.round(campaign.attempts * 0.5) },
    };
  }
}

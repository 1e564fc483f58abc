import { describe, expect, it } from 'vitest';
import { NEW_CAMPAIGN, toChanges, toSettings, toValues, type CampaignValues } from './settings';

const form: CampaignValues = { ...NEW_CAMPAIGN, name: 'spring', list: 'leads', trunk: 'carrier', caller_id: '+1 (212) 555-0100' };

describe('settings of a campaign', () => {
  it('leave out what is empty, and take a number as people write it', () => {
    expect(toSettings(form)).toEqual({
      name: 'spring', list: 'leads', trunk: 'carrier', caller_id: '+12125550100', mode: 'predictive', agents: [],
      skills: [], weight: 1, order: 'oldest', callback_wait_min: 10, callback_then: 'anybody', callback_later_min: 60, profile: 'us-ftc', timezone: 'America/New_York', attempts_max: 6, ring_timeout_s: 25,
      amd: true, amd_mode: 'on', amd_audit_share: 0.01, amd_audio: false, amd_audio_days: 30, on_machine: 'hang_up', message_after: 'beep', message_wait_s: 40,
      on_ivr: 'hang_up', on_screening: 'hang_up', screening_wait_s: 40, on_silence: 'agent', hello_wait_s: 3, hello_then: 'agent', on_fax: 'mark', on_sit: 'by_meaning',
    });
  });

  it('send a limit as a part of 1, without the dust of floats', () => {
    for (const [percent, part] of [[3, 0.03], [2.9, 0.029], [0.1, 0.001], [0, 0], [7, 0.07]] as const) {
      expect(toSettings({ ...form, limit: percent }).limit).toBe(part);
      expect(toValues({ ...toSettings(form), limit: part }).limit).toBe(percent);
    }
  });

  it('send a ratio only where it counts', () => {
    expect(toSettings({ ...form, mode: 'power', ratio: 2 })).toMatchObject({ mode: 'power', ratio: 2 });
    expect(toSettings({ ...form, mode: 'progressive', ratio: 2 })).not.toHaveProperty('ratio');
  });

  it('send what belongs to a mode with that mode alone', () => {
    const preview = { ...form, mode: 'preview', preview_s: 45, preview_then: 'skip' };
    expect(toSettings(preview)).toMatchObject({ mode: 'preview', preview_s: 45, preview_then: 'skip', skip_retry_min: 60, skips_max: 3 });
    expect(toSettings({ ...preview, mode: 'predictive' })).not.toHaveProperty('preview_s');
    const agentless = toSettings({ ...form, mode: 'agentless', channels: 30, message: ' notice.wav ' });
    expect(agentless).toMatchObject({ channels: 30, message: 'notice.wav' });
    expect(agentless).not.toHaveProperty('calls_per_second');
    expect(toChanges(preview, form)).toEqual({ mode: 'predictive', preview_s: null, preview_then: null, skip_retry_min: null, skips_max: null });
  });

  it('come back from the API as they went', () => {
    const wanted = { ...form, caller_id: '+12125550100', limit: 2, agents: ['ann'], safe_harbour: 'sorry.wav', filter: 'attempts < 3', mix: 'gold:3', recycle: 'busy 10m 3' };
    expect(toValues(toSettings(wanted))).toEqual(wanted);
  });

  it('turn detection off in a way that whoever turns it on again gets its usual mode', () => {
    const off = { ...form, amd_mode: 'off' as const };
    expect(toSettings(off)).toMatchObject({ amd: false });
    expect(toSettings(off)).not.toHaveProperty('amd_mode');
    expect(toValues({ ...toSettings(form), amd: false, amd_mode: 'sample' }).amd_mode).toBe('off');
    expect(toValues({ ...toSettings(form), amd: true, amd_mode: 'off' }).amd_mode).toBe('off');
    expect(toChanges({ ...form, amd_mode: 'shadow' }, off)).toEqual({ amd: false, amd_mode: null });
    expect(toChanges(off, { ...form, amd_mode: 'sample', amd_audit_share: 12.5 })).toEqual({ amd: true, amd_mode: 'sample', amd_audit_share: 0.125 });
  });

  it('change only what differs, and take back by null', () => {
    expect(toChanges(form, form)).toEqual({});
    expect(toChanges(form, { ...form, caller_id: '+12125550100' })).toEqual({});
    expect(toChanges({ ...form, limit: 2, safe_harbour: 'sorry.wav' }, { ...form, limit: '', agents: ['ann'] })).toEqual({
      limit: null, safe_harbour: null, agents: ['ann'],
    });
    expect(toChanges({ ...form, mode: 'power' }, form)).toEqual({ mode: 'predictive', ratio: null });
  });
});

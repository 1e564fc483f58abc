/** The levers of a running campaign: how it dials and how much it may abandon. Each change is asked for and can be taken back. */
import { Button, NumberInput, SegmentedControl } from '@mantine/core';
import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { boardStore } from '../../api/boards';
import { api, data, type Thing } from '../../api/client';
import { putCampaign } from '../../api/live';
import { useMay } from '../../api/login';
import { useStore } from '../../api/store';
import { ask } from '../../parts/confirm';
import { number, percent } from '../../parts/format';
import { tellDone, tellProblem } from '../../parts/told';
import css from './board.module.css';
import { difference, faultsOf, isTunable, leversOf, LIMIT_PERCENT, MODES, RATIO, read, type Levers, type Mode, type Settings, type Written } from './levers';

/** What was set before under the same keys; null where nothing was, which sets the default. */
function before(campaign: Thing<'CampaignView'>, changed: Settings): Record<string, unknown> {
  const settings = campaign.settings as Record<string, unknown>;
  return Object.fromEntries(Object.keys(changed).map((key) => [key, settings[key] ?? null]));
}

async function change(name: string, settings: object): Promise<void> {
  putCampaign(await data(api.PATCH('/api/v1/campaigns/{name}', { params: { path: { name } }, body: settings as Record<string, never> })));
}

export function Tuning({ campaign }: { campaign: Thing<'CampaignView'> }) {
  const { t } = useTranslation('board');
  const may = useMay('supervisor');
  const now = leversOf(campaign);
  const [wanted, setWanted] = useState<Written>(now);
  // Somebody else may turn them too.
  const shape = JSON.stringify(now);
  useEffect(() => setWanted(JSON.parse(shape) as Levers), [shape]);
  const faults = faultsOf(wanted);
  const next = read(wanted, now);
  const changed = next ? difference(now, next) : {};
  const dirty = next === null || Object.keys(changed).length > 0;

  const apply = () => {
    if (!next || Object.keys(changed).length === 0) return;
    const old = before(campaign, changed);
    ask({
      title: t('tuning.ask', { name: campaign.name }),
      text: <Consequences name={campaign.name} from={now} to={next} />,
      verb: t('tuning.apply'),
      run: async () => {
        await change(campaign.name, changed);
        tellDone(t('tuning.done', { name: campaign.name }), { text: t('tuning.undo'), run: () => void change(campaign.name, old).then(() => tellDone(t('tuning.undone', { name: campaign.name })), tellProblem) });
      },
    });
  };

  return (
    <form
      className={css.tuning}
      onSubmit={(event) => {
        event.preventDefault();
        apply();
      }}
    >
      <div>
        {isTunable(now.mode) && <SegmentedControl
          fullWidth
          disabled={!may}
          aria-label={t('tuning.mode')}
          value={wanted.mode}
          onChange={(mode) => setWanted({ ...wanted, mode: mode as Mode })}
          data={MODES.map((mode) => ({ value: mode, label: t(`mode.${mode}`) }))}
        />}
        <div className={css.modeText}>{t(`mode.${wanted.mode}Text`)}</div>
      </div>
      {wanted.mode === 'power' && (
        <NumberInput label={t('tuning.ratio')} disabled={!may} min={RATIO.least} max={RATIO.most} step={0.1} decimalScale={2} clampBehavior="none" value={wanted.ratio} onChange={(ratio) => setWanted({ ...wanted, ratio })} error={faults.ratio && t('tuning.between', RATIO)} />
      )}
      <NumberInput
        label={t('tuning.limit')}
        description={t('tuning.limitText')}
        disabled={!may}
        min={LIMIT_PERCENT.least}
        max={LIMIT_PERCENT.most}
        clampBehavior="none"
        error={faults.limit_percent && t('tuning.between', LIMIT_PERCENT)}
        step={0.5}
        decimalScale={2}
        suffix=" %"
        value={wanted.limit_percent}
        onChange={(limit_percent) => setWanted({ ...wanted, limit_percent })}
      />
      {may && (
        <div className={css.tuningFoot}>
          <Button type="submit" disabled={!dirty || next === null}>{t('tuning.apply')}</Button>
          {dirty && <Button variant="default" onClick={() => setWanted(now)}>{t('tuning.reset')}</Button>}
        </div>
      )}
    </form>
  );
}

function Consequences({ name, from, to }: { name: string; from: Levers; to: Levers }) {
  const { t } = useTranslation('board');
  const board = useStore(boardStore);
  const window = board?.campaigns.find((campaign) => campaign.name === name)?.ledger[0];
  const limit = to.limit_percent / 100;
  // Abandoned ÷ (abandoned + connected) stays at most the limit: a ≤ c · limit ÷ (1 − limit).
  const left = window && limit < 1 ? Math.floor((window.connected * limit) / (1 - limit) + 1e-9 - window.abandoned) : null;
  return (
    <>
      {from.mode !== to.mode && <p>{t('tuning.modeChange', { from: t(`mode.${from.mode}`), to: t(`mode.${to.mode}`) })} {t(`mode.${to.mode}Text`)}</p>}
      {from.ratio !== to.ratio && <p>{t('tuning.ratioChange', { from: number(from.ratio, 2), to: number(to.ratio, 2) })}</p>}
      {from.limit_percent !== to.limit_percent && (
        <p>
          {t('tuning.limitChange', { from: percent(from.limit_percent / 100, 2), to: percent(limit, 2) })}{' '}
          {left !== null && (left >= 0 ? t('budget.left', { count: left, number: number(left) }) : t('budget.over', { count: -left, number: number(-left) }))}
        </p>
      )}
      <p>{t('tuning.atOnce')}</p>
    </>
  );
}

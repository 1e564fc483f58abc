/** All settings of the file: what holds, what would hold without it, and the few that can be changed here. */
import { Button, NumberInput, Stack } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, data } from '../../api/client';
import { Problem, sentence } from '../../api/problem';
import { EmptyState } from '../../parts/empty_state';
import { ErrorState } from '../../parts/error_state';
import { fits, Search } from '../../parts/filter';
import { PageHeader } from '../../parts/page_header';
import { Panel } from '../../parts/panel';
import { StateBadge } from '../../parts/state_badge';
import { tellDone, tellProblem } from '../../parts/told';
import { bySection, same, shown, type SettingInfo } from './groups';
import css from './settings.module.css';

const SETTINGS = ['settings'] as const;
const SECTIONS = ['server', 'store', 'sip', 'media', 'desk'] as const;

export default function SettingsPage() {
  const { t } = useTranslation('settings');
  const settings = useQuery({ queryKey: SETTINGS, queryFn: () => data(api.GET('/api/v1/settings')) });
  const [sought, setSought] = useState('');
  const groups = bySection((settings.data?.items ?? []).filter((item) => fits(sought, item.key, item.doc)));
  return (
    <>
      <PageHeader title={t('title')} text={t('text')} actions={<Search label={t('search')} value={sought} onChange={setSought} />} />
      {settings.isError && !settings.data && <ErrorState error={settings.error} onRetry={() => void settings.refetch()} />}
      {settings.data && groups.length === 0 && <Panel><EmptyState icon="search" title={t('noneFound')} text={t('noneFoundText')} /></Panel>}
      <Stack gap="md">
        {groups.map(([section, items]) => {
          const known = SECTIONS.find((one) => one === section);
          return (
            <Panel key={section} title={known ? t(`section.${known}`) : section} flush>
              <dl className={css.list}>
                {items.map((item) => <Setting key={item.key} item={item} />)}
              </dl>
            </Panel>
          );
        })}
      </Stack>
    </>
  );
}

function Setting({ item }: { item: SettingInfo }) {
  const { t } = useTranslation('settings');
  const words = { yes: t('yes'), no: t('no') };
  const isDefault = same(item.value, item.default);
  const usual = shown(item.default, words);
  return (
    <div className={css.row}>
      <dt className={css.name}>
        <code>{item.key}</code>
        <span className={css.doc}>{item.doc}</span>
      </dt>
      <dd className={css.value}>
        {item.editable ? <Editable item={item} /> : <code className={css.shown} data-set={!isDefault || undefined}>{shown(item.value, words) ?? t('none')}</code>}
        <span className={css.usual}>{t('default', { value: usual ?? t('none') })}</span>
      </dd>
      <dd className={css.how}>
        {item.editable ? (
          <StateBadge tone="ok">{t('editable')}</StateBadge>
        ) : (
          <span title={item.restart ? t('restartText') : t('fileText')}><StateBadge tone="idle">{item.restart ? t('restart') : t('file')}</StateBadge></span>
        )}
      </dd>
    </div>
  );
}

/** Keys that can be changed while the server runs; all of them are whole seconds. */
function Editable({ item }: { item: SettingInfo }) {
  const { t } = useTranslation('settings');
  const cache = useQueryClient();
  const [written, setWritten] = useState<number | string | null>(null);
  const [busy, setBusy] = useState(false);
  const [fault, setFault] = useState<string | null>(null);
  const now = Number(item.value);
  const key = item.key.split('.').at(-1) ?? item.key;
  const send = async (value: number | string) => {
    cache.setQueryData(SETTINGS, await data(api.PATCH('/api/v1/settings', { body: { [key]: value } as Record<string, never> })));
  };
  const save = async () => {
    if (written === null) return;
    setBusy(true);
    setFault(null);
    try {
      await send(written);
      setWritten(null);
      const undo = () => void send(now).then(() => tellDone(t('undone', { key: item.key, value: now })), tellProblem);
      tellDone(t('saved', { key: item.key, value: written }), { text: t('undo'), run: undo });
    } catch (problem) {
      const own = problem instanceof Problem ? problem.faults[0] : undefined;
      if (own) setFault(sentence(own));
      else tellProblem(problem);
    }
    setBusy(false);
  };
  const differs = written !== null && written !== now;
  return (
    <form
      className={css.edit}
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        void save();
      }}
    >
      <NumberInput
        aria-label={item.key}
        suffix={item.key.endsWith('_s') ? t('seconds') : ''}
        min={0}
        allowDecimal={false}
        clampBehavior="none"
        w={140}
        value={written ?? now}
        error={fault}
        onChange={setWritten}
      />
      {differs && <Button type="submit" loading={busy} aria-label={t('saveOf', { key: item.key })}>{t('save')}</Button>}
    </form>
  );
}

/** One trunk: how it is, a test call over it, its settings. */
import { Alert, Button, Group, Stack, Text } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { Link, useNavigate, useParams } from 'react-router';
import { api, data, type Thing } from '../../api/client';
import { keys } from '../../api/live';
import { useMay } from '../../api/login';
import { useTrunks } from '../../api/things';
import { ask } from '../../parts/confirm';
import { EmptyState } from '../../parts/empty_state';
import { ErrorNote, ErrorState } from '../../parts/error_state';
import { FormBar } from '../../parts/form_section';
import { number } from '../../parts/format';
import { Icon } from '../../parts/icons';
import { PageHeader } from '../../parts/page_header';
import { Panel } from '../../parts/panel';
import { tellDone } from '../../parts/told';
import { SETTLED, useUnsaved } from '../../parts/unsaved';
import { useSaving } from '../../parts/use_saving';
import { TrunkFields, useTrunkKeyNames } from './fields';
import { toChanges, toValues, TRUNK_KEYS, type TrunkSettings, type TrunkValues } from './settings';
import { TestCall } from './test_call';
import { Channels, Registered, Up } from './words';
import css from './trunks.module.css';

const trunkKey = (name: string) => ['trunk', name] as const;

export default function TrunkPage() {
  const { t } = useTranslation('trunks');
  const { name = '' } = useParams();
  const may = { call: useMay('agent'), change: useMay('admin') };
  const trunks = useTrunks();
  const trunk = trunks.data?.items.find((one) => one.name === name);
  const back = { to: '/trunks', text: t('detail.back') };
  if (trunks.isError && !trunks.data) return <ErrorState error={trunks.error} onRetry={() => void trunks.refetch()} />;
  if (!trunk) {
    return (
      <>
        <PageHeader title={name} back={back} />
        {trunks.data && <Panel><EmptyState icon="trunks" title={t('detail.gone', { name })} text={t('detail.goneText')} action={<Button component={Link} to="/trunks" variant="default">{t('detail.back')}</Button>} /></Panel>}
      </>
    );
  }
  return (
    <>
      <PageHeader title={name} mark={<Up trunk={trunk} />} text={trunk.host} back={back} />
      <Stack gap="md" key={name}>
        <Now trunk={trunk} />
        {may.call && <TestCall trunk={name} />}
        {may.change ? <Settings name={name} /> : <Panel title={t('detail.settings')}><Text size="sm" c="dimmed">{t('detail.readOnly')}</Text></Panel>}
        {may.change && <Delete name={name} />}
      </Stack>
    </>
  );
}

function Now({ trunk }: { trunk: Thing<'TrunkView'> }) {
  const { t } = useTranslation('trunks');
  const up = trunk.up == null ? 'unknownText' : trunk.up ? 'upText' : 'downText';
  return (
    <Panel title={t('detail.now')} aside={<Link className="op-link" to={`/calls?trunk=${encodeURIComponent(trunk.name)}`}>{t('detail.calls')}</Link>}>
      <dl className={css.now}>
        <div>
          <dt>{t('stateHead')}</dt>
          <dd>{t(`state.${up}`)}</dd>
        </div>
        <div>
          <dt>{t('registered')}</dt>
          <dd><Registered trunk={trunk} /></dd>
        </div>
        <div>
          <dt>{t('channels')}</dt>
          <dd><Channels trunk={trunk} /></dd>
        </div>
        <div>
          <dt>{t('cps')}</dt>
          <dd>{t('cpsMax', { max: number(trunk.cps_max, 2) })}</dd>
        </div>
      </dl>
      {trunk.registered === false && <Alert mt="md" color="red" variant="outline" icon={<Icon name="fault" />} title={t('registration.no')}>{t('registration.noText')}</Alert>}
    </Panel>
  );
}

/** As they are kept; a form that is being written is not written over. */
function Settings({ name }: { name: string }) {
  const { t } = useTranslation('trunks');
  const kept = useQuery({ queryKey: trunkKey(name), queryFn: () => data(api.GET('/api/v1/trunks/{name}', { params: { path: { name } } })), refetchOnWindowFocus: false });
  return (
    <Panel title={t('detail.settings')} aside={t('detail.settingsText')}>
      {kept.isError && !kept.data && <ErrorState error={kept.error} onRetry={() => void kept.refetch()} />}
      {kept.data && <SettingsForm name={name} settings={kept.data.settings} />}
    </Panel>
  );
}

function SettingsForm({ name, settings }: { name: string; settings: TrunkSettings }) {
  const { t } = useTranslation('trunks');
  const cache = useQueryClient();
  const nameOf = useTrunkKeyNames();
  const kept = toValues(settings);
  const form = useForm<TrunkValues>({ initialValues: kept });
  const saving = useSaving(form, TRUNK_KEYS);
  const changes = toChanges(kept, form.values);
  const changed = Object.keys(changes);
  useUnsaved(changed.length > 0);
  const save = form.onSubmit(() =>
    saving.save(async () => {
      const next = await data(api.PATCH('/api/v1/trunks/{name}', { params: { path: { name } }, body: changes as Record<string, never> }));
      cache.setQueryData(trunkKey(name), next);
      form.setValues(toValues(next.settings));
      await cache.invalidateQueries({ queryKey: keys.trunks });
      tellDone(t('detail.saved', { list: changed.map(nameOf).join(', ') }));
    }),
  );
  return (
    <form onSubmit={(event) => void save(event)} noValidate>
      <TrunkFields form={form} fixed />
      <ErrorNote error={saving.error} faults={saving.rest} />
      {changed.length > 0 && (
        <FormBar text={<b>{t('detail.changed', { count: changed.length, list: changed.map(nameOf).join(', ') })}</b>}>
          <Button variant="default" onClick={() => { form.setValues(kept); form.clearErrors(); }}>{t('detail.discard')}</Button>
          <Button type="submit" loading={saving.busy}>{t('detail.save')}</Button>
        </FormBar>
      )}
    </form>
  );
}

function Delete({ name }: { name: string }) {
  const { t } = useTranslation('trunks');
  const go = useNavigate();
  const cache = useQueryClient();
  const remove = () =>
    ask({
      title: t('detail.deleteTitle', { name }),
      text: t('detail.deleteText'),
      verb: t('detail.delete'),
      danger: true,
      type: name,
      run: async () => {
        await api.DELETE('/api/v1/trunks/{name}', { params: { path: { name } } });
        await go('/trunks', { state: SETTLED });
        cache.removeQueries({ queryKey: trunkKey(name) });
        await cache.invalidateQueries({ queryKey: keys.trunks });
        tellDone(t('detail.deleted', { name }));
      },
    });
  return (
    <Panel title={t('detail.danger')}>
      <Group justify="space-between" gap="md">
        <Text size="sm" c="dimmed" maw="60ch">{t('detail.dangerText')}</Text>
        <Button color="red" variant="outline" leftSection={<Icon name="trash" size={16} />} onClick={remove}>{t('detail.delete')}</Button>
      </Group>
    </Panel>
  );
}

/** A new trunk. */
import { Button } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useQueryClient } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { Link, useNavigate } from 'react-router';
import { api } from '../../api/client';
import { keys } from '../../api/live';
import { ErrorNote } from '../../parts/error_state';
import { FormBar } from '../../parts/form_section';
import { PageHeader } from '../../parts/page_header';
import { Panel } from '../../parts/panel';
import { tellDone } from '../../parts/told';
import { SETTLED, useUnsaved } from '../../parts/unsaved';
import { useSaving } from '../../parts/use_saving';
import { TrunkFields } from './fields';
import { NEW_TRUNK, toSettings, TRUNK_KEYS, type TrunkValues } from './settings';

export default function NewTrunkPage() {
  const { t } = useTranslation(['trunks', 'common']);
  const go = useNavigate();
  const cache = useQueryClient();
  const form = useForm<TrunkValues>({ initialValues: NEW_TRUNK });
  const saving = useSaving(form, TRUNK_KEYS);
  useUnsaved(form.isDirty());
  const make = form.onSubmit((values) =>
    saving.save(async () => {
      await api.POST('/api/v1/trunks', { body: toSettings(values) });
      await cache.invalidateQueries({ queryKey: keys.trunks });
      tellDone(t('make.done', { name: values.name }));
      await go(`/trunks/${encodeURIComponent(values.name)}`, { state: SETTLED });
    }),
  );
  return (
    <>
      <PageHeader title={t('new')} text={t('make.text')} back={{ to: '/trunks', text: t('detail.back') }} />
      <Panel>
        <form onSubmit={(event) => void make(event)} noValidate>
          <TrunkFields form={form} />
          <ErrorNote error={saving.error} faults={saving.rest} />
          <FormBar>
            <Button component={Link} to="/trunks" variant="default">{t('common:action.cancel')}</Button>
            <Button type="submit" loading={saving.busy}>{t('make.verb')}</Button>
          </FormBar>
        </form>
      </Panel>
    </>
  );
}

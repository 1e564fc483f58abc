/** Who listens to calls: the detector whose word counts, and the net beside it. */
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { api, data, type Thing } from '../../api/client';
import { ErrorState } from '../../parts/error_state';
import { percent } from '../../parts/format';
import { Pairs } from '../../parts/pairs';
import { Panel } from '../../parts/panel';
import css from './detection.module.css';

type Model = Thing<'Model'>;

/** So much of a hash tells nets apart by eye. */
const HASH_CHARS = 12;

export function Models() {
  const { t } = useTranslation('detection');
  const found = useQuery({ queryKey: ['amd-models'], queryFn: () => data(api.GET('/api/v1/amd/models')) });
  return (
    <Panel title={t('models.title')}>
      {found.isError && !found.data ? (
        <ErrorState error={found.error} onRetry={() => void found.refetch()} />
      ) : !found.data ? (
        <div role="status">{t('reading')}</div>
      ) : (
        <div className={css.two}>
          <One title={t('models.acting')} model={found.data.acting} />
          {found.data.shadow ? <One title={t('models.shadow')} model={found.data.shadow} /> : <div><h3 className={css.sub}>{t('models.shadow')}</h3><p className={`${css.text} ${css.hint}`}>{t('models.noShadow')}</p></div>}
        </div>
      )}
    </Panel>
  );
}

function One({ title, model }: { title: string; model: Model }) {
  const { t } = useTranslation('detection');
  const share = model.max_human_as_machine;
  return (
    <div>
      <h3 className={css.sub}>{title}</h3>
      <Pairs
        of={[
          [t('models.detector'), model.detector === 'classic' ? t('models.classic') : t('models.default')],
          [t('models.net'), model.model == null ? null : <code key="net" title={model.model}>{model.model.slice(0, HASH_CHARS)}</code>],
          [t('models.file'), model.model == null ? null : (model.file ?? t('models.shipped'))],
          [t('models.calibrated'), share == null ? null : t('models.atMost', { share: percent(share, 1) })],
        ]}
      />
      {model.card && (
        <details className={css.card}>
          <summary>{t('models.card')}</summary>
          <pre>{model.card}</pre>
        </details>
      )}
    </div>
  );
}

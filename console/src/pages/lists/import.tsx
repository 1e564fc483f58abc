/**
 * A file onto a list, in four steps: the file, its columns, a rehearsal that writes nothing, the import itself.
 *
 * ```text
 *   file ──> columns ──> ?import=ID (dry_run) ──> ?import=ID
 *             the draft (browser)     │  imports (server): one can leave, come back, or send the address to somebody
 * ```
 */
import { useQueryClient } from '@tanstack/react-query';
import { useEffect } from 'react';
import { useTranslation } from 'react-i18next';
import { useNavigate, useParams, useSearchParams } from 'react-router';
import { Guard } from '../../app/place';
import { keys } from '../../api/live';
import { onLeave } from '../../api/login';
import { createStore, useStore } from '../../api/store';
import { upload, type Upload } from '../../api/upload';
import { ErrorState } from '../../parts/error_state';
import { PageHeader } from '../../parts/page_header';
import { Panel } from '../../parts/panel';
import { tellDone, tellProblem } from '../../parts/told';
import { holdTab } from '../../parts/unsaved';
import { useImport } from './api';
import { Choose } from './choose';
import { Columns } from './columns';
import { draft, readingOf, type Draft } from './draft';
import { Outcome } from './outcome';
import { Sending } from './sending';
import css from './import.module.css';

type Step = 'file' | 'columns' | 'check' | 'import';
const STEPS: readonly Step[] = ['file', 'columns', 'check', 'import'];

export default function Import() {
  const { t } = useTranslation('lists');
  const list = useParams().name ?? '';
  const [params] = useSearchParams();
  const id = Number(params.get('import'));
  return (
    <>
      <PageHeader title={t('importTitle', { list })} back={{ to: `/lists/${encodeURIComponent(list)}`, text: list }} />
      {Number.isSafeInteger(id) && id > 0 ? <Begun key={id} id={id} list={list} /> : <Guard least="supervisor"><Prepared list={list} /></Guard>}
    </>
  );
}

function Steps({ now }: { now: Step }) {
  const { t } = useTranslation('lists');
  const at = STEPS.indexOf(now);
  return (
    <ol className={css.steps}>
      {STEPS.map((step, index) => (
        <li key={step} className={css.step} aria-current={index === at ? 'step' : undefined} data-done={index < at || undefined}>
          <span className={css.count}>{index + 1}</span>
          {t(`step.${step}`)}
        </li>
      ))}
    </ol>
  );
}

/** What is under way to the server, or was refused; kept while one looks at another page. */
interface Sent {
  /** The step it was sent from. */
  from: string;
  dry: boolean;
  part: number;
  running: Upload<{ import: number }>;
  problem: unknown;
}

const sending = createStore<Sent | null>(null);
onLeave(() => sending.set(null));
/** The step that is in sight. */
let inSight: string | null = null;

/** Sends the draft's file; goes to the import's own address as soon as the server has it. Who looks at something else by then is told, not pulled there. */
function useSend(list: string, from: string) {
  const { t } = useTranslation('lists');
  const navigate = useNavigate();
  const client = useQueryClient();
  const sent = useStore(sending);
  useEffect(() => {
    inSight = from;
    return () => {
      inSight = null;
    };
  }, [from]);
  const send = async (what: Draft, map: string, dry: boolean) => {
    const query = readingOf(what);
    query.set('map', map);
    query.set('file_name', what.file.name.slice(0, 200));
    if (dry) query.set('dry_run', 'true');
    const path = `api/v1/lists/${encodeURIComponent(list)}/import?${query}`;
    const running = upload<{ import: number }>(path, what.file, 'text/csv', (part) => say({ part }));
    // A later one shows itself instead; this one goes on.
    const say = (some: Partial<Sent>) => {
      const now = sending.get();
      if (now?.running === running) sending.set({ ...now, ...some });
    };
    const done = () => {
      if (sending.get()?.running === running) sending.set(null);
    };
    sending.set({ from, dry, part: 0, running, problem: null });
    const [letGo, alone] = [holdTab(), onLeave(running.cancel)];
    try {
      const answer = await running.answer;
      void client.invalidateQueries({ queryKey: keys.imports });
      // A rehearsal is followed by the import of the same file.
      if (!dry) draft.set(null);
      const place = `/lists/${encodeURIComponent(list)}/import?import=${answer.import}`;
      if (inSight === from) await navigate(place);
      else tellDone(t(dry ? 'sentElsewhereDry' : 'sentElsewhere', { file: what.file.name, list }), { text: t('seeImport'), run: () => void navigate(place) });
      done();
    } catch (problem) {
      if (problem instanceof DOMException) {
        done();
        return;
      }
      say({ problem });
      if (inSight !== from) tellProblem(problem);
    } finally {
      letGo();
      alone();
    }
  };
  const own = sent?.from === from ? sent : null;
  return { sent: own && !own.problem ? own : null, error: own?.problem, send };
}

function Prepared({ list }: { list: string }) {
  const kept = useStore(draft);
  const { sent, error, send } = useSend(list, list);
  const own = kept?.list === list ? kept : null;
  if (sent) {
    return (
      <>
        <Steps now={sent.dry ? 'check' : 'import'} />
        <Sending part={sent.part} onCancel={sent.running.cancel} />
      </>
    );
  }
  if (!own) {
    return (
      <>
        <Steps now="file" />
        <Choose list={list} />
      </>
    );
  }
  return (
    <>
      <Steps now="columns" />
      <Columns draft={own} error={error} onSend={(map, dry) => void send(own, map, dry)} />
    </>
  );
}

function Begun({ id, list }: { id: number; list: string }) {
  const { t } = useTranslation('lists');
  const kept = useStore(draft);
  const found = useImport(id);
  const { sent, error, send } = useSend(list, `${list}?${id}`);
  if (sent) {
    return (
      <>
        <Steps now="import" />
        <Sending part={sent.part} onCancel={sent.running.cancel} />
      </>
    );
  }
  if (found.error && !found.data) return <Panel><ErrorState error={found.error} onRetry={() => void found.refetch()} /></Panel>;
  if (!found.data) return <Panel><div role="status">{t('looking')}</div></Panel>;
  const own = kept?.list === list && kept.file.name.slice(0, 200) === found.data.file_name ? kept : null;
  return (
    <>
      <Steps now={found.data.dry_run ? 'check' : 'import'} />
      <Outcome item={found.data} list={list} draft={own} error={error} onImport={own?.map !== undefined ? () => void send(own, own.map ?? '', false) : undefined} />
    </>
  );
}

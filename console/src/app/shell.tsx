/**
 * The frame of all pages: navigation on the left, at the foot on phones; a banner while the server is not heard; who is
 * logged in. Nothing of it stands on a wall screen (`?wall=1`).
 */
import { Drawer, Menu, UnstyledButton, VisuallyHidden, type MantineColorScheme, useMantineColorScheme } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { lazy, Suspense, useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link, matchPath, NavLink, Outlet, ScrollRestoration, useLocation, useNavigation } from 'react-router';
import { eventsState } from '../api/events';
import { api } from '../api/client';
import { logOut, logOutEverywhere, may, useWho } from '../api/login';
import { useStore } from '../api/store';
import { useNow_ms } from '../parts/clock';
import { ask } from '../parts/confirm';
import { clock } from '../parts/format';
import { Icon, type IconName } from '../parts/icons';
import { tellProblem } from '../parts/told';
import { i18n, languages, speak } from './i18n';
import { places, type Place } from './pages';
import css from './shell.module.css';

/** A break shorter than this is nobody's business. */
const BANNER_AFTER_MS = 2_000;
/** Places at the foot of a phone; the rest is behind "More". */
const FOOT_PLACES = 4;
const GROUPS = ['live', 'work', 'system'] as const;

const OwnOffer = lazy(() => import('../parts/offer'));
const OwnCall = lazy(async () => (await Promise.all([import('../parts/own_call'), i18n.loadNamespaces(['own_call', 'words'])]))[0]);

type Offered = Place & { nav: NonNullable<Place['nav']> };

function useOffered(): Offered[] {
  const who = useWho();
  return places.filter((place): place is Offered => place.nav !== undefined && may(who, place.least));
}

/** A login ends after 12 hours in which nothing is asked; a wall screen only listens. */
const HERE_EVERY_MS = 3_600_000;

/** Keeps the login of a screen that somebody looks at and nobody touches. */
function useHere(wall: boolean) {
  useEffect(() => {
    if (!wall) return;
    const timer = setInterval(() => {
      // A login that ended is told by the answer itself, a server that is away by the banner.
      if (document.visibilityState === 'visible') void api.GET('/api/v1/whoami').catch(() => {});
    }, HERE_EVERY_MS);
    return () => clearInterval(timer);
  }, [wall]);
}

/** Who comes to another page by keyboard or ear begins at its head. */
function useFocusOnPage(pathname: string) {
  const last = useRef(pathname);
  useEffect(() => {
    if (last.current === pathname) return;
    last.current = pathname;
    const main = document.getElementById('main');
    const now = document.activeElement;
    // What the page itself put in focus stays, and so does the row that opened something beside it, and a dialog.
    if (!main || (now !== main && main.contains(now)) || now?.closest('[role=dialog]')) return;
    (main.querySelector<HTMLElement>('h1') ?? main).focus({ preventScroll: true });
  }, [pathname]);
}

export function Shell() {
  const { t } = useTranslation();
  const who = useWho();
  const location = useLocation();
  const wall = new URLSearchParams(location.search).has('wall');
  useHere(wall);
  useFocusOnPage(location.pathname);
  const loading = useNavigation().state !== 'idle';
  return (
    <div className={css.shell} data-wall={wall || undefined}>
      <a className={css.skip} href="#main" onClick={(event) => {
        // The base address would lead elsewhere.
        event.preventDefault();
        document.getElementById('main')?.focus();
      }}>{t('shell.skip')}</a>
      {!wall && <Side />}
      <main id="main" tabIndex={-1} className={css.main} aria-busy={loading}>
        <Banner />
        {/* Agents decide on leads that they are shown, and say what answered, wherever they are. */}
        {who.agent != null && <Suspense><OwnOffer /><OwnCall /></Suspense>}
        <Outlet />
      </main>
      {!wall && <Foot />}
      <ScrollRestoration />
    </div>
  );
}

function Side() {
  const { t } = useTranslation();
  const offered = useOffered();
  const who = useWho();
  return (
    <aside className={css.side}>
      <div className={css.brand}>
        <Mark />
        <span className={css.name}>Outpace</span>
        {who.demo && <span className={css.demo}>{t('shell.demo')}</span>}
      </div>
      <nav aria-label={t('shell.navigation')} className={css.nav}>
        <Groups offered={offered} />
      </nav>
      <Account />
    </aside>
  );
}

function Groups({ offered, onGo }: { offered: Offered[]; onGo?: () => void }) {
  const { t } = useTranslation();
  return GROUPS.map((group) => {
    const inside = offered.filter((place) => place.nav.group === group);
    if (inside.length === 0) return null;
    return (
      <div key={group} className={css.group}>
        <div className={css.groupName}>{t(`navGroup.${group}`)}</div>
        <ul className={css.list}>
          {inside.map((place) => (
            <li key={place.path}>
              <Way place={place} onGo={onGo} />
            </li>
          ))}
        </ul>
      </div>
    );
  });
}

function Way({ place, onGo }: { place: Offered; onGo?: () => void }) {
  const { t } = useTranslation();
  const { pathname } = useLocation();
  const text = t(place.nav.text);
  const within = places.some((one) => one.below === place.path && matchPath(`/${one.path}`, pathname));
  return (
    <NavLink to={`/${place.path}`} className={css.way} data-within={within || undefined} onClick={onGo} title={text}>
      <Icon name={place.nav.icon} size={19} />
      <span className={css.wayText}>{text}</span>
    </NavLink>
  );
}

function Mark() {
  return (
    <svg width="26" height="26" viewBox="0 0 32 32" aria-hidden="true" className={css.mark}>
      <rect width="32" height="32" rx="7" fill="#0b6170" />
      <path d="M7 21.5 13 10h4.2L11.2 21.5Z" fill="#8fdbe6" />
      <path d="M14.8 21.5 20.8 10H25L19 21.5Z" fill="#fff" />
    </svg>
  );
}

const SCHEMES: { value: MantineColorScheme; icon: IconName }[] = [
  { value: 'auto', icon: 'screen' },
  { value: 'light', icon: 'sun' },
  { value: 'dark', icon: 'moon' },
];

function Account() {
  const { t } = useTranslation();
  const who = useWho();
  return (
    <Menu position="top-start" width={240}>
      <Menu.Target>
        <UnstyledButton className={css.account}>
          <VisuallyHidden>{t('shell.account', { name: who.name, role: t(`role.${who.role}`) })}</VisuallyHidden>
          <Icon name="account" size={22} />
          <span className={css.accountText} aria-hidden>
            <span className={css.accountName}>{who.name}</span>
            <span className={css.accountRole}>{t(`role.${who.role}`)}</span>
          </span>
        </UnstyledButton>
      </Menu.Target>
      <Menu.Dropdown>
        <AccountItems />
      </Menu.Dropdown>
    </Menu>
  );
}

function AccountItems() {
  const { t, i18n } = useTranslation();
  const who = useWho();
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const everywhere = () =>
    ask({ title: t('shell.outEverywhere'), text: t('shell.outEverywhereText'), verb: t('shell.outEverywhere'), danger: true, run: logOutEverywhere });
  return (
    <>
      <Menu.Label>{t('shell.theme')}</Menu.Label>
      {SCHEMES.map(({ value, icon }) => (
        <Menu.Item
          key={value}
          leftSection={<Icon name={icon} size={16} />}
          rightSection={colorScheme === value ? <Icon name="ok" size={16} /> : null}
          aria-current={colorScheme === value}
          closeMenuOnClick={false}
          onClick={() => setColorScheme(value)}
        >
          {t(`theme.${value}`)}
        </Menu.Item>
      ))}
      {languages.length > 1 && <Menu.Label>{t('shell.language')}</Menu.Label>}
      {languages.length > 1 && languages.map((language) => (
        <Menu.Item key={language} lang={language} rightSection={i18n.language === language ? <Icon name="ok" size={16} /> : null} aria-current={i18n.language === language} onClick={() => void speak(language)}>
          {new Intl.DisplayNames([language], { type: 'language' }).of(language)}
        </Menu.Item>
      ))}
      <Menu.Divider />
      <Menu.Item component={Link} to="/account" leftSection={<Icon name="account" size={16} />}>{t('nav.account')}</Menu.Item>
      <Menu.Item leftSection={<Icon name="leave" size={16} />} onClick={() => logOut().catch(tellProblem)}>{t('shell.out')}</Menu.Item>
      <Menu.Item leftSection={<Icon name="lock" size={16} />} onClick={everywhere}>{t('shell.outEverywhere')}</Menu.Item>
      {who.version && <Menu.Label>{t('shell.version', { version: who.version })}</Menu.Label>}
    </>
  );
}

/** Phones: the places that matter most, and the rest in a drawer. */
function Foot() {
  const { t } = useTranslation();
  const offered = useOffered();
  const [open, { open: show, close }] = useDisclosure(false);
  return (
    <nav className={css.foot} aria-label={t('shell.navigation')}>
      {offered.slice(0, FOOT_PLACES).map((place) => <Way key={place.path} place={place} />)}
      <UnstyledButton className={css.way} onClick={show} aria-haspopup="dialog">
        <Icon name="menu" size={19} />
        <span className={css.wayText}>{t('shell.more')}</span>
      </UnstyledButton>
      <Drawer opened={open} onClose={close} position="bottom" size="auto" title={t('shell.navigation')} closeButtonProps={{ 'aria-label': t('action.close') }}>
        <div className={css.drawer}>
          <Groups offered={offered} onGo={close} />
          <Account />
        </div>
      </Drawer>
    </nav>
  );
}

/** Says that what is shown may be old, once that has lasted. */
function Banner() {
  const state = useStore(eventsState);
  return state.kind === 'reconnecting' ? <Lost since_ms={state.since_ms} /> : <div role="status" />;
}

function Lost({ since_ms }: { since_ms: number }) {
  const { t } = useTranslation();
  const [shown, setShown] = useState(false);
  const now_ms = useNow_ms();
  useEffect(() => {
    const timer = setTimeout(() => setShown(true), Math.max(0, since_ms + BANNER_AFTER_MS - Date.now()));
    return () => clearTimeout(timer);
  }, [since_ms]);
  return (
    <div role="status">
      {shown && (
        <div className={css.banner}>
          <Icon name="warn" size={18} />
          {/* The running time is for eyes: read aloud each second it would drown everything else. */}
          <span>{t('shell.lost')}</span>
          <span aria-hidden="true" className="op-figures">{clock(now_ms - since_ms)}</span>
        </div>
      )}
    </div>
  );
}

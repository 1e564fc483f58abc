/** The door: name and password, or a token. */
import { Button, PasswordInput, SegmentedControl, Stack, TextInput } from '@mantine/core';
import { useDocumentTitle } from '@mantine/hooks';
import { useState, type FormEvent } from 'react';
import { useTranslation } from 'react-i18next';
import { logIn } from '../../api/login';
import { Problem } from '../../api/problem';
import { ErrorNote } from '../../parts/error_state';
import { Icon } from '../../parts/icons';
import css from './login.module.css';

type Way = 'password' | 'token';

export default function LoginPage({ ended }: { ended: boolean }) {
  const { t } = useTranslation('login');
  useDocumentTitle(t('tab'));
  const [way, setWay] = useState<Way>('password');
  const [name, setName] = useState('');
  const [secret, setSecret] = useState('');
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    setError(null);
    try {
      await logIn(way === 'token' ? { token: secret.trim() } : { name: name.trim(), password: secret });
    } catch (problem) {
      const wrong = problem instanceof Problem && problem.code === 401;
      setError(wrong ? new Problem('wrong', t(`wrong.${way}`), 401, t(`wrong.${way}Text`)) : problem);
      setBusy(false);
    }
  };
  return (
    <main className={css.page}>
      <div className={css.box}>
        <div className={css.brand}>
          <svg width="36" height="36" viewBox="0 0 32 32" aria-hidden="true">
            <rect width="32" height="32" rx="7" fill="#0b6170" />
            <path d="M7 21.5 13 10h4.2L11.2 21.5Z" fill="#8fdbe6" />
            <path d="M14.8 21.5 20.8 10H25L19 21.5Z" fill="#fff" />
          </svg>
          <h1 className={css.title}>{t('title')}</h1>
        </div>
        {ended && (
          <div className={css.ended} role="status">
            <Icon name="clock" size={18} />
            {t('ended')}
          </div>
        )}
        <form onSubmit={(event) => void submit(event)}>
          <Stack gap="md">
            <SegmentedControl
              fullWidth
              aria-label={t('way')}
              value={way}
              onChange={(value) => {
                setWay(value as Way);
                setSecret('');
                setError(null);
              }}
              data={[
                { value: 'password', label: t('byPassword') },
                { value: 'token', label: t('byToken') },
              ]}
            />
            {way === 'password' && (
              <TextInput label={t('name')} name="username" autoComplete="username" autoCapitalize="none" spellCheck={false} required value={name} onChange={(event) => setName(event.currentTarget.value)} data-autofocus />
            )}
            <PasswordInput
              key={way}
              label={t(way)}
              description={way === 'token' ? t('tokenText') : undefined}
              name={way}
              autoComplete={way === 'password' ? 'current-password' : 'off'}
              required
              value={secret}
              onChange={(event) => setSecret(event.currentTarget.value)}
              visibilityToggleButtonProps={{ 'aria-label': t('look') }}
            />
            <ErrorNote error={error} />
            <Button type="submit" size="md" loading={busy}>{t('submit')}</Button>
          </Stack>
        </form>
        <p className={css.help}>{t('help')} <code>outpace token create</code></p>
      </div>
    </main>
  );
}

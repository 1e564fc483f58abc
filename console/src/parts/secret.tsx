/** Something that is shown this once, to be taken away. */
import { Button, TextInput } from '@mantine/core';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Icon } from './icons';
import css from './secret.module.css';

export function Secret({ label, value }: { label: string; value: string }) {
  const { t } = useTranslation();
  const [copied, setCopied] = useState(false);
  const copy = async () => {
    await navigator.clipboard.writeText(value);
    setCopied(true);
  };
  return (
    <div className={css.line}>
      <TextInput
        className={css.field}
        classNames={{ input: css.input }}
        label={label}
        value={value}
        readOnly
        data-autofocus
        onFocus={(event) => event.currentTarget.select()}
      />
      {/* Browsers lend the clipboard to safe origins alone: elsewhere the text is marked, to be copied by hand. */}
      {'clipboard' in navigator && (
        <Button variant="default" leftSection={<Icon name={copied ? 'ok' : 'copy'} size={16} />} onClick={() => void copy()}>
          {copied ? t('action.copied') : t('action.copy')}
        </Button>
      )}
    </div>
  );
}

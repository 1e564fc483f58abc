/** The console's beginning: texts, login, then the page that the address names. */
import './app/mantine';
import './app/styles.css';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { keepCachesLive } from './api/live';
import { findLogin, takeToken } from './api/login';
import { App } from './app/app';
import { startTexts } from './app/i18n';
import { Providers } from './app/providers';
import { fetchAhead } from './app/router';

// Before anything else may read the address.
const token = takeToken();
keepCachesLive();
// Asked while texts and the page are fetched.
void findLogin(token);
fetchAhead();
await startTexts();

const root = document.getElementById('root');
if (!root) throw new Error('the page has no #root');
createRoot(root).render(
  <StrictMode>
    <Providers>
      <App />
    </Providers>
  </StrictMode>,
);

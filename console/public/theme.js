// Sets the theme that was chosen before the page is painted. A file of its own, because the page's policy runs no script
// that stands inside the page.
(function () {
  var chosen = 'auto';
  try {
    chosen = localStorage.getItem('outpace-theme') || 'auto';
  } catch (error) {
    // A browser that keeps nothing follows the system.
  }
  var dark = chosen === 'dark' || (chosen !== 'light' && matchMedia('(prefers-color-scheme: dark)').matches);
  document.documentElement.setAttribute('data-mantine-color-scheme', dark ? 'dark' : 'light');
})();

// Owns light and dark before the first paint: a classic script, so that the page does not flash. The button is shell.js's.
{
  const theme = localStorage.getItem("theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
  if (localStorage.getItem("keys") === "off") document.documentElement.dataset.keys = "off";
}

// Runs in every frame before its own scripts. In a plugin's: when is something of the data on the screen, when is everything?
// Both are read at the beginning of a frame, so what is seen was painted by the frame before. Times are from the iframe's own start.

(() => {
  if (!/[?&]name=(redundancy|bench_plotly)\b/.test(location.search)) return;
  const seen = (window.benchmark = { said: [] });

  const drawnByUs = () =>
    [...document.querySelectorAll("#redundancy canvas.plot")].some((canvas) =>
      /eigenvalue/.test(canvas.getAttribute("aria-label") ?? ""),
    ) || [...document.querySelectorAll("#redundancy td .value")].some((cell) => /\d/.test(cell.textContent));

  const listen = () => {
    const said = document.querySelector("#redundancy .status")?.textContent;
    if (said && said !== seen.said.at(-1) && seen.said.length < 500) seen.said.push(said);
  };

  const watch = () => {
    const now = performance.now();
    listen();
    if (seen.first === undefined && (window.plotlyPage?.first || drawnByUs())) seen.first = now;
    if (seen.first !== undefined && (window.plotlyPage ?? window.redundancy)?.ready) seen.all = now;
    if (seen.all === undefined) requestAnimationFrame(watch);
  };
  requestAnimationFrame(watch);

  const painted = () =>
    new Promise((done) => {
      const channel = new MessageChannel();
      channel.port1.onmessage = done;
      requestAnimationFrame(() => channel.port2.postMessage(null)); // answered when the frame has been painted
    });

  /** Moves the slider to each place in turn: milliseconds from the input to the painted frame, and those of scripts alone. */
  window.slide = async (slider, places) => {
    const found = { frames: [], scripts: [] };
    for (const place of places) {
      const begun = performance.now();
      let frame = 0;
      requestAnimationFrame(() => (frame = performance.now())); // before the page's own, asked for by the input
      slider.value = String(place);
      slider.dispatchEvent(new Event("input", { bubbles: true }));
      const after = painted();
      requestAnimationFrame(() => found.scripts.push(performance.now() - frame));
      await after;
      found.frames.push(performance.now() - begun);
    }
    return found;
  };
})();

"use strict";
document.querySelectorAll(".section.words").forEach((root) => {
  const data = JSON.parse(root.querySelector(".section-data").textContent);
  const all = (selector) => [...root.querySelectorAll(selector)];
  const clock = (seconds) => `${Math.floor(Math.round(seconds) / 60)}:${String(Math.round(seconds) % 60).padStart(2, "0")}`;

  const choose = (query) => {
    all("[data-hits]").forEach((node) => { node.hidden = node.dataset.hits !== query; });
    all("button[data-query]").forEach((button) => button.setAttribute("aria-pressed", String(button.dataset.query === query)));
    all(".text-row").forEach((row) => row.classList.toggle("chosen", row.dataset.query === query));
  };
  all("[data-query]").forEach((node) => node.addEventListener("click", () => choose(node.dataset.query)));

  const readout = root.querySelector(".readout"), said = readout.textContent;
  all(".text-row").forEach((row) => {
    const plot = row.querySelector(".plot"), text = row.querySelector(".label").textContent.trim();
    plot.addEventListener("pointermove", (event) => {
      const box = plot.getBoundingClientRect(), seconds = (event.clientX - box.left) / box.width * data.durationS;
      const index = data.spans.findIndex(([start, end]) => start <= seconds && seconds < end);
      readout.textContent = index < 0 ? said : `${clock(seconds)}, “${text}”: ${data.cosines[row.dataset.row][index].toFixed(2)}`;
    });
    plot.addEventListener("pointerleave", () => { readout.textContent = said; });
  });
  choose("0");
});

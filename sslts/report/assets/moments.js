"use strict";
document.querySelectorAll(".section.moments").forEach((root) => {
  const data = JSON.parse(root.querySelector(".section-data").textContent);
  const SVG = "http://www.w3.org/2000/svg";
  const HITS = 6;
  const count = data.times.length;
  const one = (selector) => root.querySelector(selector);
  const percent = (seconds) => 100 * seconds / data.durationS;
  const centre = (index) => data.times[index] + data.windowS / 2;

  const clock = (seconds) => {
    const whole = Math.round(seconds), hours = Math.floor(whole / 3600), two = (n) => String(n).padStart(2, "0");
    const minutes = Math.floor(whole / 60) % 60;
    return hours ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
  };
  const span = (index) => `${clock(data.times[index])} – ${clock(data.times[index] + data.windowS)}`;

  data.variants.forEach((variant) => {
    const bytes = Uint8Array.from(atob(variant.similarity), (character) => character.charCodeAt(0));
    const view = new DataView(bytes.buffer);
    variant.at = (row, column) => view.getInt16(2 * (row * count + column), true) / 32767;
  });

  const element = (name, attributes, parent) => {
    const node = document.createElementNS(SVG, name);
    Object.entries(attributes).forEach(([key, value]) => node.setAttribute(key, value));
    parent.appendChild(node);
    return node;
  };
  const child = (parent, name, className, text) => {
    const node = document.createElement(name);
    node.className = className;
    if (text !== undefined) node.textContent = text;
    parent.appendChild(node);
    return node;
  };

  let chosen = data.chosen;
  let current = data.variants[0];
  const usable = (index) => current.usable[index] === 1;

  // Each window owns the time up to half way to its neighbours: no gaps, no overlaps.
  const left = (index) => index === 0 ? Math.max(0, data.times[0]) : (centre(index - 1) + centre(index)) / 2;
  const right = (index) => index === count - 1 ? Math.min(data.durationS, data.times[index] + data.windowS) : (centre(index) + centre(index + 1)) / 2;
  const cells = (holder) => data.times.map((_, index) => {
    const cell = child(holder, "i", "");
    cell.style.left = `${percent(left(index))}%`;
    cell.style.width = `calc(${percent(right(index) - left(index))}% + .4px)`;
    return cell;
  });
  const strip = cells(one(".strip")), heat = cells(one(".heat"));
  strip.forEach((cell, index) => { cell.style.background = data.colours[index]; });

  const scatter = one(".scatter");
  const SIDE = 372, X0 = 114, Y0 = 24;
  const xy = (point) => [X0 + SIDE * point[0], Y0 + SIDE * (1 - point[1])];
  // Points fill the map's width too: the longer of the two axes decides the scale.
  const all = data.variants.flatMap((variant) => variant.points);
  const range = (axis) => { const v = all.map((p) => p[axis]); return [Math.min(...v), Math.max(...v)]; };
  const [xs, ys] = [range(0), range(1)];
  const zoom = Math.min(552 / (SIDE * Math.max(xs[1] - xs[0], 1e-6)), 372 / (SIDE * Math.max(ys[1] - ys[0], 1e-6)));
  const place = (point) => {
    const [x, y] = xy(point), [cx, cy] = xy([(xs[0] + xs[1]) / 2, (ys[0] + ys[1]) / 2]);
    return [300 + (x - cx) * zoom, 210 + (y - cy) * zoom];
  };
  const base = data.variants[0].points.map(place);
  element("polyline", { class: "trail", points: base.map((p) => p.map((v) => v.toFixed(1)).join(",")).join(" ") }, scatter);
  const moved = base.map(([x, y]) => element("line", { class: "moved", x1: x, y1: y, x2: x, y2: y }, scatter));
  const ghosts = base.map(([x, y], index) => element("circle", { class: "ghost", cx: x, cy: y, r: 3, fill: data.colours[index] }, scatter));
  const dots = base.map(([x, y], index) => {
    const dot = element("circle", { class: "dot", cx: x, cy: y, r: 6, fill: data.colours[index] }, scatter);
    element("title", {}, dot).textContent = span(index);
    dot.addEventListener("click", () => choose(index));
    return dot;
  });
  const overlay = element("g", {}, scatter);

  const nearest = () => {
    const order = [...Array(count).keys()].filter((index) => usable(index)).sort((a, b) => current.at(chosen, b) - current.at(chosen, a));
    const kept = [];
    const apart = (a, b) => Math.abs(data.times[a] - data.times[b]) >= data.windowS;
    for (const index of order) {
      if (kept.length === HITS) break;
      if (apart(index, chosen) && kept.every((other) => apart(index, other))) kept.push(index);
    }
    return kept;
  };

  const draw = () => {
    const hits = usable(chosen) ? nearest() : [];
    one(".chosen-time").textContent = span(chosen);
    root.querySelectorAll(".mark").forEach((node) => node.remove());
    const mark = (index, className, text) => {
      const node = child(one(".marks"), "span", `mark ${className}`);
      node.style.left = `${percent(data.times[index])}%`;
      node.style.width = `${percent(data.windowS)}%`;
      if (text) child(node, "b", "", text);
    };
    hits.forEach((index, rank) => mark(index, "", String(rank + 1)));
    mark(chosen, "self");
    strip.forEach((cell, index) => { cell.classList.toggle("chosen", index === chosen); cell.style.opacity = usable(index) ? 1 : .15; });

    const row = data.times.map((_, index) => current.at(chosen, index));
    const sorted = row.filter((_, index) => usable(index) && index !== chosen).sort((a, b) => a - b);
    const low = sorted[Math.floor(sorted.length * .1)] ?? 0, high = sorted[sorted.length - 1] ?? 1;
    heat.forEach((cell, index) => {
      const level = Math.min(1, Math.max(0, (row[index] - low) / Math.max(high - low, 1e-6)));
      cell.style.opacity = usable(index) && usable(chosen) ? .04 + .96 * level ** 1.6 : 0;
      cell.title = `${span(index)}: ${row[index].toFixed(2)}`;
    });

    const points = current.points.map(place);
    const isFull = current === data.variants[0];
    points.forEach(([x, y], index) => {
      dots[index].setAttribute("cx", x); dots[index].setAttribute("cy", y);
      dots[index].style.opacity = usable(index) ? 1 : .1;
      moved[index].setAttribute("x2", x); moved[index].setAttribute("y2", y);
      moved[index].style.display = ghosts[index].style.display = isFull ? "none" : "";
    });
    one(".trail").style.display = isFull ? "" : "none";
    overlay.replaceChildren();
    hits.forEach((index, rank) => {
      const [x, y] = points[index];
      element("circle", { class: "hit-ring", cx: x, cy: y, r: 9 }, overlay);
      element("text", { x: x + 11, y: y + 4 }, overlay).textContent = rank + 1;
    });
    element("circle", { class: "ring", cx: points[chosen][0], cy: points[chosen][1], r: 11 }, overlay);

    const list = one(".hits");
    list.replaceChildren();
    hits.forEach((index, rank) => {
      const button = child(child(list, "li", ""), "button", "");
      button.type = "button";
      child(button, "span", "rank", rank + 1);
      child(button, "span", "", span(index));
      const fill = child(child(button, "span", "bar"), "i", "");
      fill.style.width = `${100 * Math.max(0, row[index])}%`;
      fill.style.background = data.colours[index];
      child(button, "span", "value", row[index].toFixed(2));
      button.addEventListener("click", () => choose(index));
    });
    if (!hits.length) child(list, "li", "note", usable(chosen) ? "No other moment: the recording holds one window." : "Nothing was seen in this window.");

    root.querySelectorAll(".track[data-modality]").forEach((track) => track.classList.toggle("off", track.dataset.modality === current.key));
    root.querySelectorAll("[data-variant]").forEach((button) => button.setAttribute("aria-pressed", String(button.dataset.variant === current.key)));
    const agreement = one(".agreement");
    agreement.replaceChildren();
    if (isFull) {
      child(agreement, "span", "", "Take a sensor away above to see how far every moment moves.");
    } else {
      const seen = [...Array(count).keys()].filter((index) => usable(index) && data.variants[0].usable[index] === 1);
      const mean = seen.reduce((sum, index) => sum + current.toFull[index], 0) / Math.max(seen.length, 1);
      const worst = seen.reduce((a, b) => current.toFull[b] < current.toFull[a] ? b : a, seen[0]);
      child(agreement, "b", "", mean.toFixed(2));
      child(agreement, "span", "", `mean cosine similarity to the full embedding without ${current.key}; lowest ${current.toFull[worst].toFixed(2)} at ${clock(centre(worst))}. Lines on the map start where each moment lay with all signals.`);
    }
  };

  const choose = (index) => { chosen = Math.min(count - 1, Math.max(0, index)); draw(); };
  const tracks = one(".tracks"), marks = one(".marks"), cursor = one(".cursor");
  const at = (event) => {
    const box = marks.getBoundingClientRect();
    return Math.min(1, Math.max(0, (event.clientX - box.left) / box.width)) * data.durationS;
  };
  const windowAt = (seconds) => data.times.reduce((best, _, index) => Math.abs(centre(index) - seconds) < Math.abs(centre(best) - seconds) ? index : best, 0);
  tracks.addEventListener("pointermove", (event) => {
    const seconds = at(event);
    cursor.hidden = false;
    cursor.style.left = `${percent(seconds)}%`;
    cursor.dataset.time = clock(seconds);
    cursor.classList.toggle("left", percent(seconds) > 90);
  });
  tracks.addEventListener("pointerleave", () => { cursor.hidden = true; });
  tracks.addEventListener("click", (event) => choose(windowAt(at(event))));
  one(".signals").addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1, PageUp: -10, PageDown: 10 }[event.key];
    if (step) { event.preventDefault(); choose(chosen + step); }
  });
  root.querySelectorAll("[data-variant]").forEach((button) => button.addEventListener("click", () => {
    current = data.variants.find((variant) => variant.key === button.dataset.variant);
    draw();
  }));
  draw();
});

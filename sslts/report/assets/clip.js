"use strict";
document.querySelectorAll(".section.clip").forEach((root) => {
  const data = JSON.parse(root.querySelector(".section-data").textContent);
  const bytes = (text) => Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  root.querySelectorAll(".film").forEach((figure) => {
    const film = data.films[figure.dataset.film], size = film.height * film.width;
    const seen = bytes(film.seen), made = bytes(film.made), hidden = bytes(film.hidden);
    const isHidden = (index) => (hidden[index >> 3] >> (7 - (index & 7))) & 1;
    figure.querySelectorAll("canvas").forEach((canvas) => {
      canvas.width = film.width;
      canvas.height = film.height;
      const context = canvas.getContext("2d"), image = context.createImageData(film.width, film.height);
      for (let pixel = 0; pixel < size; pixel += 1) {
        const index = canvas.dataset.frame * size + pixel, from = canvas.dataset.row === "made" ? made : seen;
        const value = from[index];
        image.data.set([value, value, value, canvas.dataset.row === "shown" && isHidden(index) ? 0 : 255], 4 * pixel);
      }
      context.putImageData(image, 0, 0);
    });
  });
});

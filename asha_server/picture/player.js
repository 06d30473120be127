// Plays the scene: sets what each track says of its shape at the moment that the clock shows.
// It knows nothing of searches. Without it the page shows the end of the scene.
"use strict";

const scene = JSON.parse(document.getElementById("scene").textContent);
const shapes = document.getElementById("shapes").children;
const button = document.getElementById("play");
const slider = document.getElementById("time");
const speed = document.getElementById("speed");
const SLIDER_MAX = Number(slider.max);

let now = scene.duration; // virtual seconds
let isPlaying = false;
let drawnAt = 0; // milliseconds of the page, when the last frame was drawn

function valueAt({ times, values, moves }, time) {
  let low = 0;
  let high = times.length; // the first key after `time`
  while (low < high) {
    const middle = (low + high) >> 1;
    if (times[middle] <= time) low = middle + 1;
    else high = middle;
  }
  if (low === 0) return values[0];
  if (!moves || low === times.length) return values[low - 1];
  const part = (time - times[low - 1]) / (times[low] - times[low - 1]);
  return values[low - 1] + (values[low] - values[low - 1]) * part;
}

function draw() {
  for (const track of scene.tracks) {
    const value = valueAt(track, now);
    if (value === track.shown) continue;
    track.shown = value;
    const shape = shapes[track.shape];
    if (track.attribute === "text") shape.textContent = value;
    else shape.setAttribute(track.attribute, value);
  }
  slider.value = String(Math.round((now / scene.duration) * SLIDER_MAX));
  slider.setAttribute("aria-valuetext", valueAt(scene.clock, now));
}

function step(moment) {
  if (!isPlaying) return;
  const seconds = (moment - drawnAt) / 1000;
  drawnAt = moment;
  now = Math.min(now + (seconds * Number(speed.value) * scene.duration) / scene.playing, scene.duration);
  draw();
  if (now < scene.duration) requestAnimationFrame(step);
  else pause("Play again");
}

function play() {
  if (now >= scene.duration) now = 0;
  isPlaying = true;
  button.textContent = "Pause";
  requestAnimationFrame((moment) => {
    drawnAt = moment;
    step(moment);
  });
}

function pause(words) {
  isPlaying = false;
  button.textContent = words;
}

button.addEventListener("click", () => (isPlaying ? pause("Play") : play()));
slider.addEventListener("input", () => {
  pause("Play");
  now = (Number(slider.value) / SLIDER_MAX) * scene.duration;
  draw();
});
document.getElementById("controls").hidden = false;

const asked = new URLSearchParams(location.search).get("at"); // ?at=0.5 shows the middle, still
if (asked !== null) {
  now = Math.min(Math.max(Number(asked) || 0, 0), 1) * scene.duration;
  draw();
} else if (matchMedia("(prefers-reduced-motion: reduce)").matches) {
  draw();
} else {
  play();
}

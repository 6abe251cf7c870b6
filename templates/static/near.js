// "Use my location": asks the device on a press, and sends the place once to find its postcode. Without it the postcode does.
"use strict";

const form = document.getElementById("here");
if (form && navigator.geolocation) {
  const button = document.getElementById("use-location");
  const status = document.getElementById("location-status");
  form.hidden = false;
  button.addEventListener("click", () => {
    button.disabled = true;
    status.textContent = status.dataset.looking;
    navigator.geolocation.getCurrentPosition(
      ({ coords: { longitude, latitude } }) => {
        form.elements.lon.value = longitude.toFixed(5);
        form.elements.lat.value = latitude.toFixed(5);
        form.submit();
      },
      () => {
        button.disabled = false;
        status.textContent = status.dataset.failed;
      },
      { timeout: 15_000, maximumAge: 60_000 },
    );
  });
  addEventListener("pageshow", () => { button.disabled = false; status.textContent = ""; });
}

// Reads the alert aloud where the browser can; without this script the button stays hidden.
const button = document.getElementById("read-aloud");
const alertText = document.getElementById("alert");
if (button && alertText && "speechSynthesis" in window) {
  const start = button.textContent;
  const quiet = () => { speechSynthesis.cancel(); button.textContent = start; };
  button.parentElement.hidden = false;
  button.addEventListener("click", () => {
    if (speechSynthesis.speaking) { quiet(); return; }
    const words = new SpeechSynthesisUtterance(alertText.innerText);
    words.lang = alertText.dataset.lang === "cy" ? "cy-GB" : "en-GB";
    words.onend = quiet;
    button.textContent = button.dataset.stop;
    speechSynthesis.speak(words);
  });
  addEventListener("pagehide", quiet);
}

// Draws every image of the page as a PNG, a line each: read once the page has been loaded.
addEventListener("load", () => {
  const made = [...document.images].map((image) => {
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [image.naturalWidth * 2, image.naturalHeight * 2];
    const ink = canvas.getContext("2d");
    ink.fillStyle = "#ffffff";
    ink.fillRect(0, 0, canvas.width, canvas.height);
    ink.drawImage(image, 0, 0, canvas.width, canvas.height);
    return canvas.toDataURL("image/png");
  });
  document.getElementById("made").textContent = made.join("\n");
  for (const image of [...document.images]) image.remove();
});

"use strict";
// The figure that lies in the page as JSON; where there is no WebGL, a line says so.
(function () {
  const scene = document.getElementById("scene");
  const figure = JSON.parse(document.getElementById("figure").textContent);
  const canvas = document.createElement("canvas");
  if (!canvas.getContext("webgl2") && !canvas.getContext("webgl")) {
    scene.textContent = "This browser draws nothing in space (no WebGL); the numbers are below.";
    return;
  }
  Plotly.newPlot(scene, figure.data, figure.layout, {displaylogo: false, responsive: true});
})();

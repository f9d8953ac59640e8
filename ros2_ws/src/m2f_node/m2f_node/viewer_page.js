// Runs in every page of the viewer: paints the meshes (viser gives a mesh one colour), plays the
// sound in time with the picture, and measures both. The node calls m2f.paint, m2f.delay and
// m2f.sound; times are milliseconds of performance.now() here and seconds on the node's clock
// there.
(() => {
  if (window.m2f) window.m2f.close();
  const CLOCK_SCALE = 1e-4, CLOCK_WRAP_S = 1000;  // how a frame's stamp rides in a vertex
  const APART_S = 0.02;     // sound this far from where it belongs is moved there
  const MEMORY = 120;       // values that the medians are taken over

  const m2f = { stats: {}, paints: {}, painted: 0, version: 0, errors: [] };
  let paints = {};
  let offsetMs = null;      // page time minus node time, at the fastest delivery seen
  let lagsMs = [];          // from a frame's stamp to its being shown, beyond that
  let context = null, gain = null, on = true, next = null, playing = [], waiting = [];
  let offsetsMs = [], fps = [], delayS = 0;

  const bytes = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  const median = (list) => {
    const sorted = [...list].sort((a, b) => a - b);
    return sorted.length ? sorted[sorted.length >> 1] : null;
  };
  const remember = (list, value) => {
    list.push(value);
    if (list.length > MEMORY) list.shift();
  };

  // ---- paint ------------------------------------------------------------------------------

  m2f.paint = (table) => { m2f.paints = paints = table; m2f.version += 1; m2f.painted = 0; };

  const meshOf = (name) => {
    let found = null;
    const node = window.__viserMutable?.nodeRefFromName?.[name];
    node?.traverse?.((child) => { if (!found && child.isMesh) found = child; });
    return found;
  };

  // Coincident vertices on both sides of a texture's seam get one normal, or the seam shows.
  const smoothSeams = (geometry, twins, isHead) => {
    const original = Object.getPrototypeOf(geometry).computeVertexNormals;
    geometry.computeVertexNormals = function () {
      original.call(this);
      const n = this.attributes.normal.array;
      for (let i = 0; i < twins.length; i += 2) {
        const a = 3 * twins[i], b = 3 * twins[i + 1];
        const x = n[a] + n[b], y = n[a + 1] + n[b + 1], z = n[a + 2] + n[b + 2];
        const length = Math.hypot(x, y, z) || 1;
        n[a] = n[b] = x / length; n[a + 1] = n[b + 1] = y / length;
        n[a + 2] = n[b + 2] = z / length;
      }
      this.attributes.normal.needsUpdate = true;
      if (isHead) shown(this.attributes.position.array);
    };
    geometry.computeVertexNormals();
  };

  const textureOf = (name) => (name ? meshOf(name)?.material?.map : null);

  // The cavity of the mouth: lamps behind the cheeks do not reach it, light from the viewer does.
  const litFromOutside = (material) => {
    material.onBeforeCompile = (shader) => {
      const facing = "max(dot(normal, normalize(vViewPosition)), 0.0)";
      shader.fragmentShader = shader.fragmentShader.replace(
        "#include <lights_fragment_end>",
        `#include <lights_fragment_end>
        reflectedLight.directDiffuse = diffuseColor.rgb * (0.25 + 0.65 * ${facing});
        reflectedLight.directSpecular = vec3(0.05 * pow(${facing}, 24.0)) * vColor.r;
        reflectedLight.indirectDiffuse = reflectedLight.indirectSpecular = vec3(0.0);`);
    };
  };

  // Lids and sockets keep light from the edges of an eye; the page has no shadows.
  const litBetweenLids = (material, geometry) => {
    material.onBeforeCompile = (shader) => {
      const { center, radius } = geometry.boundingSphere;  // three moves center with the eye
      shader.uniforms.eyeCentre = { value: center };
      shader.vertexShader = shader.vertexShader
        .replace("#include <common>", "#include <common>\nvarying vec3 vEye; uniform vec3 eyeCentre;")
        .replace("#include <begin_vertex>",
          `#include <begin_vertex>\nvEye = (position - eyeCentre) / ${radius.toFixed(5)};`);
      shader.fragmentShader = shader.fragmentShader
        .replace("#include <common>", "#include <common>\nvarying vec3 vEye;")
        .replace("#include <map_fragment>", `#include <map_fragment>
          diffuseColor.rgb *= mix(1.0, 0.40, smoothstep(0.06, 0.40, vEye.z))
            * mix(1.0, 0.70, smoothstep(-0.14, -0.36, vEye.z))
            * mix(1.0, 0.55, smoothstep(0.30, 0.75, abs(vEye.y)));`);
    };
  };

  const paintOne = (name, paint) => {
    const mesh = meshOf(name);
    if (!mesh) return false;
    const { geometry, material } = mesh;
    const count = geometry.attributes.position?.count;
    if (count !== paint.vertices) return false;
    const texture = textureOf(paint.texture), gloss = textureOf(paint.gloss);
    if ((paint.texture && !texture) || (paint.gloss && !gloss)) return false;
    const Attribute = Object.getPrototypeOf(geometry.attributes.position).constructor;
    if (texture) {
      const uv = new Float32Array(2 * count);
      uv.set(new Float32Array(bytes(paint.uv).buffer));
      geometry.setAttribute("uv", new Attribute(uv, 2));
      texture.colorSpace = "srgb";
      texture.anisotropy = 4;
      texture.needsUpdate = true;
      material.map = texture;
      material.color.set(0xffffff);
    }
    if (paint.shade) {
      const shade = bytes(paint.shade), grey = new Float32Array(3 * count);
      for (let i = 0; i < count; i++) grey.fill((shade[i] / 255) ** 2.2, 3 * i, 3 * i + 3);
      geometry.setAttribute("color", new Attribute(grey, 3));
      material.vertexColors = true;
    }
    material.roughness = paint.roughness;
    material.metalness = 0;
    if (gloss) { material.roughnessMap = gloss; material.roughness = 1; }
    if (paint.inside) litFromOutside(material);
    if (paint.eye) litBetweenLids(material, geometry);
    material.needsUpdate = true;
    const twins = new Uint32Array(bytes(paint.twins).buffer);
    smoothSeams(geometry, twins, paint.head);
    mesh.userData.m2f = m2f.version;
    return true;
  };

  const paintAll = () => {
    let painted = 0;
    for (const [name, paint] of Object.entries(paints)) {
      const mesh = meshOf(name);
      if (!mesh) continue;
      try {
        if (mesh.userData.m2f === m2f.version || paintOne(name, paint)) painted += 1;
      } catch (error) {
        m2f.errors.push(`${name}: ${error}`);
        delete paints[name];  // plain colours are better than trying for ever
      }
    }
    if (painted !== m2f.painted) window.__viserMutable?.requestRender?.();
    m2f.painted = painted;
  };

  // ---- picture: when which frame is shown ---------------------------------------------------

  const shown = (positions) => {
    const now = performance.now();
    const stamp = positions[positions.length - 3] / CLOCK_SCALE;
    if (stamp === m2f.stats.stamp) return;
    m2f.stats.stamp = stamp;
    remember(fps, now);
    if (offsetMs === null) return;
    // Times wrap; the difference to what is due is small.
    let lag = now - offsetMs - stamp * 1000;
    lag -= Math.round(lag / (CLOCK_WRAP_S * 1000)) * CLOCK_WRAP_S * 1000;
    remember(lagsMs, lag);
    m2f.stats.lag_ms = median(lagsMs);
    const heard = heardStamp(now);
    if (heard !== null) {
      let ahead = ((heard % CLOCK_WRAP_S) - stamp) * 1000;
      ahead -= Math.round(ahead / (CLOCK_WRAP_S * 1000)) * CLOCK_WRAP_S * 1000;
      remember(offsetsMs, ahead);
      m2f.stats.sound_ahead_ms = median(offsetsMs);
      m2f.stats.sound_count = (m2f.stats.sound_count || 0) + 1;
    }
  };

  // ---- sound --------------------------------------------------------------------------------

  m2f.delay = (seconds) => { delayS = seconds; };

  // Context time that is heard at a page time [ms].
  const contextTime = (pageMs) => {
    const stamp = context.getOutputTimestamp?.();
    if (stamp && stamp.performanceTime > 0) {
      return stamp.contextTime + (pageMs - stamp.performanceTime) / 1000;
    }
    return context.currentTime - (context.outputLatency || 0) +
      (pageMs - performance.now()) / 1000;
  };

  // Presentation time on the node's clock [s] of what is heard now; null in silence.
  const heardStamp = (pageMs) => {
    if (!context || context.state !== "running") return null;
    const at = contextTime(pageMs);
    playing = playing.filter((part) => part.end > at - 1);
    const part = playing.find((each) => each.start <= at && at < each.end);
    return part ? part.stamp + (at - part.start) : null;
  };

  const open = (rate) => {
    if (context?.sampleRate === rate) return;
    context?.close();
    // At the sound's own rate nothing is resampled block by block, which would click.
    context = new AudioContext({ sampleRate: rate });
    context.onstatechange = () => {
      if (context.state !== "running") return;
      for (const part of waiting.splice(0)) play(part.pcm, part.rate, part.stamp, part.first);
    };
    gain = context.createGain();
    gain.gain.value = on ? 1 : 0;
    gain.connect(context.destination);
    next = null;
    playing = [];
  };

  // One block: its capture time on the node's clock, and the node's time when it was sent.
  m2f.sound = ({ pcm, rate, stamp, sent, first }) => {
    const now = performance.now();
    const offset = now - sent * 1000;
    // The fastest delivery lately; a slow drift of the clocks is followed.
    offsetMs = offsetMs === null ? offset : Math.min(offsetMs + 0.005, offset);
    if (!pcm) return;
    m2f.stats.blocks = (m2f.stats.blocks || 0) + 1;
    open(rate);
    if (context.state !== "running") {  // it starts a moment later, or at the first click
      waiting.push({ pcm, rate, stamp, sent, first });
      if (waiting.length > MEMORY) waiting.shift();
      resume();
      return;
    }
    play(pcm, rate, stamp, first);
  };

  const play = (pcm, rate, stamp, first) => {
    const samples = new Int16Array(bytes(pcm).buffer);
    const buffer = context.createBuffer(1, samples.length, rate);
    const channel = buffer.getChannelData(0);
    for (let i = 0; i < samples.length; i++) channel[i] = samples[i] / 32768;
    const presentation = stamp + delayS;
    const lag = lagsMs.length ? median(lagsMs) : 40;
    const wanted = contextTime(presentation * 1000 + offsetMs + lag);
    let start = wanted;
    // A new utterance waits for the one before, as the face does.
    if (next !== null && (Math.abs(wanted - next) < APART_S || (first && wanted < next))) {
      start = next;
    }
    const earliest = context.currentTime;
    let skip = 0;
    if (start < earliest) { skip = earliest - start; start = earliest; }
    start = Math.ceil(start * rate) / rate;
    if (skip >= buffer.duration) {
      next = null;
      m2f.stats.dropped = (m2f.stats.dropped || 0) + 1;
      return;
    }
    const source = context.createBufferSource();
    source.buffer = buffer;
    source.connect(gain);
    source.start(start, skip);
    next = start + buffer.duration - skip;
    playing.push({ start, end: next, stamp: presentation + skip });
  };

  const resume = () => { if (context && context.state === "suspended") context.resume(); };
  const onGesture = (event) => {
    resume();
    if (event.type === "click" && event.target.closest?.("[data-m2f=sound]")) {
      on = !on;
      if (gain) gain.gain.value = on ? 1 : 0;
      readOut();
    }
  };

  // ---- read-out ---------------------------------------------------------------------------

  const readOut = () => {
    const set = (key, text) => {
      const place = document.querySelector(`[data-m2f=${key}]`);
      if (place && place.textContent !== text) place.textContent = text;
    };
    const ms = (value) => (value === null || value === undefined ? "-" : `${value.toFixed(0)} ms`);
    const recent = fps.filter((time) => time > performance.now() - 4000);
    const rate = recent.length > 1
      ? (recent.length - 1) / ((recent[recent.length - 1] - recent[0]) / 1000) : 0;
    m2f.stats.fps = rate;
    set("fps", `${rate.toFixed(rate < 10 ? 1 : 0)} a second`);
    set("lag", ms(m2f.stats.lag_ms));
    set("ahead", ms(m2f.stats.sound_ahead_ms));
    const blocked = context && context.state !== "running";
    set("sound", !on ? "Sound is off" : blocked ? "Click for sound" : "Sound is on");
  };

  const timers = [setInterval(paintAll, 200), setInterval(readOut, 500)];
  for (const type of ["click", "keydown"]) document.addEventListener(type, onGesture, true);
  m2f.close = () => {
    timers.forEach(clearInterval);
    for (const type of ["click", "keydown"]) document.removeEventListener(type, onGesture, true);
    context?.close();
  };
  window.m2f = m2f;
})();

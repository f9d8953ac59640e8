"""Reading audio files."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from media2face.types import Float32

MIN_RATE_HZ, MAX_RATE_HZ = 8_000, 192_000


class AudioError(ValueError):
    """An audio file cannot be used; the message names the file and says why."""


def read_audio(path: Path) -> tuple[Float32, int]:
    """Reads a whole file (WAV, FLAC, Ogg, Opus, MP3 ...), mixing its channels to mono.

    Returns:
        samples float32 [S] in [-1, 1] and their rate (Hz).

    Raises:
        AudioError: not there, not audio, empty, not finite, or a rate outside 8 to 192 kHz.
    """
    import soundfile

    if not path.is_file():
        raise AudioError(f"{path}: no such file")
    try:
        channels, rate = soundfile.read(path, dtype="float32", always_2d=True)
    except (soundfile.LibsndfileError, OSError, TypeError) as error:
        raise AudioError(
            f"{path}: not audio that can be read (WAV, FLAC, Ogg, Opus, MP3): {error}"
        ) from error
    if not len(channels):
        raise AudioError(f"{path}: holds no samples")
    bad = int(np.count_nonzero(~np.isfinite(channels)))
    if bad:
        raise AudioError(f"{path}: {bad} samples are NaN or infinite; write the file anew")
    if not MIN_RATE_HZ <= rate <= MAX_RATE_HZ:
        raise AudioError(f"{path}: {rate} Hz, must be in [{MIN_RATE_HZ}, {MAX_RATE_HZ}] Hz")
    return np.clip(channels.mean(axis=1), -1, 1).astype(np.float32), int(rate)

# SPDX-License-Identifier: MIT
"""What is measured: cases, each one way to run the ring."""
import dataclasses
import itertools

SIZES = {"720p": (1280, 720), "1080p": (1920, 1080), "1440p": (2560, 1440), "4k": (3840, 2160)}
DIGESTS = ("none", "xxh3", "xxh64", "sha256")
DAMAGES = (100, 10, 1, 0.1)
CONSUMERS = (1, 2, 4)
PACES = (60, 0)
MODES = ("lossless", "latest")
SIDE_MAX = 16384


@dataclasses.dataclass(frozen=True)
class Case:
    """One way to run the ring. fps 0: flat out; frames 0: for a time."""

    width: int
    height: int
    mode: str = "lossless"
    digest: str = "xxh3"
    fps: int = 0
    damage: float = 100
    consumers: int = 1
    format: str = "xrgb8888"
    frames: int = 0

    @property
    def size(self):
        """As the programs take it."""
        return f"{self.width}x{self.height}"

    @property
    def name(self):
        """Of its folder, and in tables."""
        pace = f"{self.fps}fps" if self.fps else "flat"
        words = [self.size, self.mode, pace, self.digest, f"{self.consumers}c",
                 f"d{self.damage:g}"]
        if self.format != "xrgb8888":
            words.append(self.format)
        return "-".join(words)

    @property
    def is_centre(self):
        """The case that all others differ from in one thing."""
        return self == dataclasses.replace(Case(self.width, self.height))

    def capture_words(self, seconds):
        """guest-capture's options."""
        words = ["--pattern", "random", "--res", self.size, "--format", self.format, "--fps",
                 self.fps, "--mode", self.mode, "--hash", self.digest]
        if self.damage < 100:
            words += ["--damage", f"{self.damage:g}"]
        return words + (["--frames", self.frames] if self.frames else ["--duration", f"{seconds:.3f}"])

    def record(self):
        """Its columns of a measurement."""
        return {"case": self.name, "is_centre": self.is_centre, **dataclasses.asdict(self)}


def parse_size(text):
    """(width, height); a ValueError says what is wrong."""
    if text.lower() in SIZES:
        return SIZES[text.lower()]
    sides = text.lower().split("x")
    if len(sides) != 2 or not all(side.isdigit() and 0 < int(side) <= SIDE_MAX for side in sides):
        raise ValueError(f"'{text}' is no size; use {', '.join(SIZES)} or WxH up to {SIDE_MAX}")
    return int(sides[0]), int(sides[1])


def star(sizes):
    """Every size in both modes and paces; at the largest, everything else one by one."""
    cases = [Case(*size, mode=mode, fps=fps)
             for size, mode, fps in itertools.product(sizes, MODES, PACES)]
    largest = max(sizes, key=lambda size: size[0] * size[1])
    cases += [Case(*largest, mode=mode, fps=fps, consumers=consumers)
              for mode, fps, consumers in itertools.product(MODES, PACES, CONSUMERS[1:])]
    cases += [Case(*largest, digest=digest) for digest in DIGESTS if digest != "xxh3"]
    cases += [Case(*largest, damage=damage) for damage in DAMAGES[1:]]
    return cases


def everything(sizes):
    """Every combination."""
    return [Case(*size, mode, digest, fps, damage, consumers) for
            size, mode, digest, fps, damage, consumers in itertools.product(
                sizes, MODES, DIGESTS, PACES, DAMAGES, CONSUMERS)]


def classic(sizes):
    """Ten frames a size, three bytes a pixel, SHA-256."""
    return [Case(*size, digest="sha256", format="rgb888", frames=10) for size in sizes]


def guest(sizes):
    """What is worth an emulated guest's time, with the digest that is the faster one there."""
    return [Case(*size, mode=mode, digest="auto") for size, mode in itertools.product(sizes, MODES)]


def region_bytes(sizes, slots=4):
    """A power of two that holds slots frames of the largest size, with one MiB for the rest."""
    largest = max(width * height for width, height in sizes) * 4 * slots + (1 << 20)
    return max(1 << (largest - 1).bit_length(), 64 << 20)

"""Every setting of the service, in one class; each is read from the environment with the prefix SIGN_."""

import base64
from importlib.util import find_spec
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, ValidationInfo, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from service import system
from service.api_keys import ApiKey, parse_keys
from service.execution_providers import check_one_runtime, check_providers, model_providers
from service.own_store import default_store
from service.version_shares import VersionShare, parse_versions

MIB = 1024 * 1024
GIB = 1024 * MIB
BACKLOG = 128
"""Connections that the kernel keeps until they are accepted: a burst takes so many files before it is counted."""
_MOST_CONNECTIONS = 2000
_MOST_UPLOADS = 200
_LEAST_DOORS = 8
_OWN_FILES = 128
_FILES_A_PROCESS = 8
_CGROUP_MEMORY = Path("/sys/fs/cgroup/memory.max")
_CGROUP_CPU = Path("/sys/fs/cgroup/cpu.max")


def allowed_cores() -> int:
    """Cores that affinity and the cgroup's quota allow, at least 1."""
    cores = system.cores()
    try:
        quota, period = _CGROUP_CPU.read_text().split()
    except (OSError, ValueError):
        return max(1, cores)
    if quota == "max":
        return max(1, cores)
    return max(1, min(cores, int(quota) // int(period)))


def allowed_memory_bytes() -> int | None:
    """Memory that the cgroup allows, else what the machine has; None where the system does not say."""
    machine = system.memory_bytes()
    try:
        limit = _CGROUP_MEMORY.read_text().strip()
    except OSError:
        return machine
    return machine if limit == "max" else min(machine or int(limit), int(limit))


def default_slots() -> int:
    """One slot a core, and at least 1 GiB of memory for each."""
    cores, memory = allowed_cores(), allowed_memory_bytes()
    return cores if memory is None else max(1, min(cores, memory // GIB))


def default_inference_threads() -> int:
    """One inference a core, and two at least: a large network must not keep a small one waiting."""
    return max(2, allowed_cores())


def is_loopback(host: str) -> bool:
    """Whether an address is one of this machine alone."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


CommaSeparated = Annotated[tuple[str, ...], NoDecode]


class Settings(BaseSettings):
    """What an operator can set. Sizes are in bytes, times in seconds unless the name says otherwise."""

    model_config = SettingsConfigDict(env_prefix="SIGN_", extra="forbid", frozen=True)

    # listening
    host: str = Field("127.0.0.1", description="Address to listen on (`serve --host`); the container sets 0.0.0.0.")
    port: int = Field(8000, ge=0, le=65535, description="Port to listen on (`serve --port`); 0 takes a free one.")
    tls_cert: Path | None = Field(None, description="Certificate chain (PEM) for HTTPS.")
    tls_key: Path | None = Field(None, description="Private key (PEM) of the certificate.")
    forwarded_allow_ips: str = Field("127.0.0.1", description="Proxies whose forwarded headers are believed.")
    log_level: str = Field("info", pattern="^(debug|info|warning|error)$", description="Least severe level logged.")
    request_log: Literal["off", "error", "warning", "info", "debug"] = Field(
        "info", description="Least severe line of the request log: faults, refused, answered, probes as well; or off."
    )
    request_log_addresses: bool = Field(False, description="Whether the request log names callers' addresses.")
    shutdown_delay_s: float = Field(
        0.0, ge=0, description="Seconds after SIGTERM in which /readyz says 503 and all else is still answered."
    )
    grace_s: float = Field(20.0, gt=0, description="Seconds that running requests get after SIGTERM and that delay.")

    traces_url: str | None = Field(
        None, pattern=r"^https?://", description="OpenTelemetry collector (OTLP over HTTP) that gets traces; none: off."
    )

    # what listens: bounds of connections and headers
    connections: int | None = Field(
        None, ge=8, description="Connections at a time; default: by the files that the process may open, 2000 at most."
    )
    connections_per_address: int = Field(
        128, ge=1, description="The same of one address (IPv6: of one /64), proxies that are believed aside."
    )
    header_bytes: int = Field(32 * 1024, ge=1024, description="Most bytes of a request's headers.")
    header_s: float = Field(
        10.0, gt=0, description="Longest time until a request's headers have come, and of a TLS handshake before."
    )
    uploads: int | None = Field(
        None, ge=1, description="Uploads at a time; default: by the files that the process may open, 200 at most."
    )
    upload_rate: float = Field(8192.0, ge=0, description="Least bytes a second of an upload, on average over a stall.")
    upload_stall_s: float = Field(30.0, gt=0, description="Longest pause of an upload, or of an answer's reader.")

    # access
    api_keys: CommaSeparated = Field(
        (), description="Keys that callers need, plain or sha256:HEX, with ;name=… and limits behind; none: open."
    )
    admin_keys: CommaSeparated = Field((), description="Keys for the routes that change models; none: they are off.")
    cors_origins: CommaSeparated = Field((), description="Origins allowed besides our own.")
    allowed_hosts: CommaSeparated = Field(
        (), description="Names answered to besides addresses and local names: name, *.domain; * is any."
    )

    # models
    model_store: Path = Field(
        default_factory=default_store, description="Folder of models: NAME/VERSION/manifest.json."
    )
    default_model: str = Field("asl-letters", description="Model of /predict where the caller names none.")
    default_highlight_model: str = Field("face-motion", description="Model of /highlights where the caller names none.")
    model_versions: CommaSeparated = Field(
        (),
        description="Versions served under the bare name: NAME=VERSION, and beside it NAME=VERSION@10% (a share of "
        "the requests) or NAME=VERSION@shadow (compared, not sent), …",
    )
    model_poll_s: float = Field(0.0, ge=0, description="Seconds between scans of the store; 0: only when asked.")
    model_memory_bytes: int = Field(2 * GIB, gt=0, description="Memory that all loaded models may take together.")
    providers: CommaSeparated = Field(
        ("cpu",),
        description="What networks run on, the best first: cuda, tensorrt, openvino, coreml, directml, cpu; or auto.",
    )
    model_providers: CommaSeparated = Field(
        (), description="The same for single models, before their manifest: NAME=PROVIDER+PROVIDER, …"
    )
    precision: Literal["float32", "tf32", "bf16"] = Field(
        "float32", description="How exactly providers other than cpu may compute: with less, parity is measured for it."
    )
    device_memory_bytes: int | None = Field(
        None, gt=0, description="Memory of a GPU that all models may take together; none: not bounded."
    )
    session_threads: int = Field(1, ge=1, description="Threads inside one ONNX Runtime session.")
    inference_threads: int = Field(
        default_factory=default_inference_threads, ge=1, description="Inferences that run at the same time."
    )
    batch_rows: int = Field(64, ge=1, description="Most rows that one inference takes together.")
    batch_wait_ms: float = Field(
        0.0, ge=0, le=1000, description="Longest that rows wait for more to run with: worth it on a GPU."
    )

    # teaching: examples become a model, if asked by this machine alone or allowed
    teach: bool | None = Field(
        None,
        description="Whether callers may teach models; none: only those on this machine, where it listens to no other "
        "and asks for no key.",
    )
    teach_dir: Path = Field(Path("taught"), description="Folder for what callers teach: landmarks, and models of them.")
    teach_models: int = Field(20, ge=1, description="Models that one key may teach.")
    teach_examples: int = Field(2000, ge=1, description="Examples that one key may keep.")
    teach_bytes: int = Field(2 * GIB, gt=0, description="Room for all examples of all keys.")
    teach_example_s: float = Field(20.0, gt=0, description="Longest part of a video that is taken as an example.")
    teach_memory_bytes: int = Field(4 * GIB, ge=GIB, description="Address space that one training may take.")

    # slots: the processes that read media
    landmarks: Literal["mediapipe", "engine"] = Field(
        "engine",
        description="What finds landmarks: our engine with MediaPipe's networks, or MediaPipe where it is installed.",
    )
    slots: int = Field(default_factory=default_slots, ge=1, description="Processes that decode and observe.")
    slot_calls: int = Field(500, ge=1, description="Calls after which a slot's process is replaced.")
    slot_memory_bytes: int = Field(4 * GIB, ge=GIB, description="Address space that one slot may take.")
    slot_call_s: float = Field(180.0, gt=0, description="Longest time of one call in a slot.")
    max_waiting: int = Field(16, ge=0, description="Requests that may wait for a slot; the next is refused.")
    request_timeout_s: float = Field(120.0, gt=0, description="Deadline of a request that names none; also the most.")

    # limits of what is sent
    media_dir: Path | None = Field(None, description="Folder for uploads while they are read; default: the system's.")
    media_bytes: int = Field(256 * MIB, gt=0, description="Most bytes of a medium.")
    frame_pixels: int = Field(50_000_000, gt=0, description="Most pixels of a picture or of a video's frame.")
    predict_seconds: float = Field(120.0, gt=0, description="Longest part of a video that /predict looks at.")
    timeline_seconds: float = Field(600.0, gt=0, description="Longest part that /timeline and /highlights look at.")
    pixel_bytes: int = Field(512 * MIB, gt=0, description="Most bytes of frames that a model of pixels keeps a call.")
    sampled_frames: int = Field(20_000, gt=0, description="Most frames that one request may look at.")
    tensor_bytes: int = Field(32 * MIB, gt=0, description="Most bytes of tensors that /v2 takes at a time.")
    form_fields: int = Field(32, gt=0, description="Most fields of a form besides the file.")
    form_field_bytes: int = Field(16 * 1024, gt=0, description="Most bytes of one field of a form.")

    # live frames
    stream_slots: int = Field(
        default_factory=default_slots, ge=0, description="Live sessions at a time, each a process; 0: none."
    )
    stream_frame_bytes: int = Field(2 * MIB, gt=0, description="Most bytes of a live frame.")
    stream_pixels: int = Field(3_700_000, gt=0, description="Most pixels of a live frame.")
    stream_max_fps: float = Field(60.0, gt=0, description="Live frames a second, on average; faster: closed (1008).")
    stream_session_s: float = Field(1800.0, gt=0, description="Longest live session.")
    stream_idle_s: float = Field(30.0, gt=0, description="Longest silence of a live session's sender or reader.")

    # jobs
    jobs_dir: Path = Field(Path("jobs"), description="Folder for jobs' media and results; replicas share it.")
    jobs_store_url: str | None = Field(
        None, description="s3://… or another address of fsspec's for jobs' media and results; none: their folder."
    )
    jobs_database_url: str | None = Field(None, description="postgresql://… for jobs; none: SQLite in their folder.")
    jobs_takeover_s: float = Field(
        60.0, ge=2, description="Seconds within which another replica goes on with the jobs of one that is gone."
    )
    jobs_media_bytes: int = Field(8 * GIB, gt=0, description="Most bytes of a job's medium.")
    jobs_seconds: float = Field(14400.0, gt=0, description="Longest part of a video that a job looks at.")
    jobs_disk_bytes: int = Field(32 * GIB, gt=0, description="Room for all jobs' media and results together.")
    jobs_retention_h: float = Field(24.0, gt=0, description="Hours for which a finished job is kept.")
    jobs_chunk_s: float = Field(10.0, ge=1, le=10, description="Seconds of media between two checkpoints of a job.")
    jobs_attempts: int = Field(3, ge=1, description="Times that a chunk which kills its process is tried.")
    jobs_unfinished: int = Field(1000, ge=1, description="Jobs that may wait or run; the next is refused.")
    jobs_wait_s: float = Field(
        60.0, gt=0, description="Longest that interactive requests keep a job waiting; then they wait for one chunk."
    )
    webhook_hosts: CommaSeparated = Field(
        (),
        description="Hosts that may be told of a job's end: name, *.domain; private ones by address or network, too.",
    )
    webhook_secret: str | None = Field(
        None, min_length=16, description="What webhooks are signed by: whsec_ and base64, or any text."
    )
    jobs_slots: int | None = Field(
        None, ge=0, description="Slots that jobs may hold; default: all but one; 0: other replicas work on them."
    )

    @field_validator(
        "api_keys",
        "admin_keys",
        "cors_origins",
        "allowed_hosts",
        "model_versions",
        "webhook_hosts",
        "providers",
        "model_providers",
        mode="before",
    )
    @classmethod
    def _split_commas(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @field_validator("api_keys", "admin_keys")
    @classmethod
    def _check_keys(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        parse_keys(value, "key")
        return value

    @field_validator("landmarks")
    @classmethod
    def _check_landmarks(cls, value: str) -> str:
        if value == "mediapipe" and find_spec("mediapipe") is None:
            raise ValueError(
                "MediaPipe is not installed: `make mediapipe` (Python 3.11 or 3.12), or leave it at engine"
            )
        return value

    @field_validator("providers")
    @classmethod
    def _check_providers(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        check_providers(value)
        check_one_runtime(value)
        return value or ("cpu",)

    @field_validator("model_providers")
    @classmethod
    def _check_model_providers(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for names in model_providers(value).values():
            check_one_runtime(names)
        return value

    @model_validator(mode="after")
    def _check_webhooks(self) -> Self:
        if self.webhook_hosts and self.webhook_secret is None:
            raise ValueError("SIGN_WEBHOOK_HOSTS needs SIGN_WEBHOOK_SECRET, by which webhooks are signed")
        return self

    @field_validator("webhook_secret")
    @classmethod
    def _check_secret(cls, value: str | None) -> str | None:
        if value is not None and value.startswith("whsec_"):
            try:
                base64.b64decode(value.removeprefix("whsec_"), validate=True)
            except ValueError:
                raise ValueError("behind whsec_ stands base64") from None
        return value

    @field_validator("traces_url")
    @classmethod
    def _check_traces(cls, value: str | None) -> str | None:
        if value is not None and find_spec("opentelemetry.exporter") is None:
            raise ValueError("OpenTelemetry is not installed: pip install 'sign-service[otel]', or leave it out")
        return value

    @field_validator("jobs_store_url")
    @classmethod
    def _check_store(cls, value: str | None) -> str | None:
        if value is not None and find_spec("fsspec") is None:
            raise ValueError("fsspec is not installed: pip install 'sign-service[s3]', or leave it out")
        return value

    @field_validator("jobs_slots")
    @classmethod
    def _check_workers(cls, value: int | None, info: ValidationInfo) -> int | None:
        if value == 0 and info.data.get("jobs_database_url") is None:
            raise ValueError("0 leaves jobs to other replicas: these need SIGN_JOBS_DATABASE_URL, SQLite has one")
        return value

    @field_validator("model_versions")
    @classmethod
    def _check_pins(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        parse_versions(value)
        return value

    @property
    def keys(self) -> tuple[ApiKey, ...]:
        """The API keys with their names and limits."""
        return parse_keys(self.api_keys, "api")

    @property
    def admins(self) -> tuple[ApiKey, ...]:
        """The same of the admin keys."""
        return parse_keys(self.admin_keys, "admin")

    @property
    def most_connections(self) -> int:
        """Most connections at a time: three quarters of the files that `_free_files` leaves."""
        return self.connections or max(_LEAST_DOORS, min(_MOST_CONNECTIONS, self._free_files * 3 // 4))

    @property
    def most_uploads(self) -> int:
        """Most uploads at a time, each a file: the fourth quarter."""
        return self.uploads or max(_LEAST_DOORS, min(_MOST_UPLOADS, self._free_files // 4))

    @property
    def _free_files(self) -> int:
        """The files that this process may open, without those that it needs whoever asks."""
        files = system.most_files()
        if files is None:
            return 4 * _MOST_CONNECTIONS
        return files - _OWN_FILES - _FILES_A_PROCESS * (self.slots + self.stream_slots) - BACKLOG

    @property
    def taught_store(self) -> Path:
        """The store of models that callers taught."""
        return self.teach_dir / "models"

    @property
    def teaches_this_machine(self) -> bool:
        """Whether callers on this machine may teach because nobody else is expected to ask."""
        return self.teach is None and not self.api_keys and is_loopback(self.host)

    @property
    def slots_for_jobs(self) -> int:
        """Most slots that jobs hold at a time; one is left to interactive requests where there are several.

        0: jobs are taken here, and worked on by other replicas.
        """
        return max(1, self.slots - 1) if self.jobs_slots is None else min(self.jobs_slots, self.slots)

    @property
    def pinned_versions(self) -> dict[str, int]:
        """The version to serve under each bare name that an operator pinned."""
        return parse_versions(self.model_versions).pins

    @property
    def version_shares(self) -> dict[str, VersionShare]:
        """The version that an operator put beside it, by bare name."""
        return parse_versions(self.model_versions).shares

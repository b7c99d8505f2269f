"""A team answers: its protocol is held with its roles as teachers, k chains a question, and every chain is kept."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

from magdi.core.components import Components
from magdi.core.config.models import ComponentChoice, Discussion, Evaluation, TeacherChoice
from magdi.core.discussion.driver import Failure, Seat, hold_discussions
from magdi.core.discussion.journal import Journal
from magdi.core.errors import ConfigError, DataError, MagFileError, TeacherError, did_you_mean
from magdi.core.evaluation.engine import Engine, Job, Output
from magdi.core.files import writing
from magdi.core.mag import Mag, Question, Turn, Usage, read_mags, write_mags
from magdi.core.protocol import EDGE_KIND_OF_ROLE, Agent, Protocol
from magdi.core.teacher import Sampling, Teacher
from magdi.plugins.teams.team import UNTRAINED, Team

VOTING = "malt"
"""The protocol whose mode ``vote`` holds several chains at once."""


@dataclass(frozen=True, slots=True)
class _Sitting:
    """Discussions that are held together, and the answers that are wanted of them; all of one sample, or chains."""

    protocol: Protocol
    seats: Sequence[Seat]
    jobs: Sequence[Job]
    sample: int = 0


class TeamEngine(Engine):
    """Has a team answer: a = T(r), r = R(q, g, v), v = V(q, g), g = G(q) (MALT, section 4.1), once a sample.

    A sample is a chain, or a discussion where the team's protocol is another one; its tokens are those of all its
    turns. Where answers are kept, the MAG of every question, with all its chains, is kept beside them.

    Args:
        run: The run's directory, whose roles speak as ``local:RUN#ROLE``.
        team: Its team.
        components: Makes protocol and teachers.
        untrained: Let the model before training speak in all roles.
    """

    def __init__(self, run: Path, team: Team, components: Components, *, untrained: bool = False) -> None:
        self._run, self._team, self._components = run, team, components
        self._untrained = frozenset(team.roles) if untrained else frozenset()
        self.identity = ", ".join(self._teacher(role, 0).identity for role in team.roles)

    @property
    def mags(self) -> Path | None:
        """Where the chains are kept."""
        return None if self.journal is None else self.journal.with_suffix(".mags.jsonl")

    def answers(self, jobs: Sequence[Job], settings: Evaluation) -> Iterator[list[tuple[Job, Output]]]:
        """Yields the chains of a question at a time.

        Raises:
            ConfigError: A role that the settings name is none of the team's.
            TeacherError: Some questions were not answered; those that were have been yielded.
        """
        if self.task is None:
            raise DataError("a team's answers are read by a task, and there is none")
        failed: list[Failure] = []
        with nullcontext() if self.journal is None else Journal(self.journal) as journal:
            for sitting in self._sittings(jobs, settings):
                wanted: dict[str, list[Job]] = {}
                for job in sitting.jobs:
                    wanted.setdefault(job.question.id, []).append(job)
                for item in hold_discussions(
                    [asked[0].question for asked in wanted.values()],
                    protocol=sitting.protocol,
                    protocol_name=settings.protocol.name if settings.protocol else self._team.protocol,
                    seats=sitting.seats,
                    task=self.task,
                    settings=Discussion(reasks=0, keep_prompts=True),
                    journal=journal,
                ):
                    if isinstance(item, Failure):
                        failed.append(item)
                        continue
                    self._keep(item, sitting.sample)
                    yield [(job, self._output(item, job.sample, settings)) for job in wanted[item.question.id]]
        self._put_in_order([job.question for job in jobs])
        if failed:
            raise TeacherError(f"the team did not answer {len(failed)} questions: {failed[0].error}")

    def _sittings(self, jobs: Sequence[Job], settings: Evaluation) -> Iterator[_Sitting]:
        """Yields what is held: with `malt` all chains of a question at once, with other protocols a sample a time."""
        for role in (*(settings.roles or ()), *settings.untrained):
            if role not in self._team.roles:
                what = f"the team of {self._run} has no role {role!r}"
                raise ConfigError(what, hint=did_you_mean(role, self._team.roles))
        seed = jobs[0].seed
        choice = settings.protocol or ComponentChoice(name=self._team.protocol, **self._team.settings)
        if settings.protocol is None and choice.name == VOTING:
            roles = {} if settings.roles is None else {"roles": settings.roles}
            chains = 1 + max(job.sample for job in jobs)
            voting = choice.model_copy(update={"mode": "vote", "samples": chains, **roles})
            protocol = self._components.protocol(voting)
            yield _Sitting(protocol, self._own_seats(protocol, tuple(self._team.roles), seed, settings), jobs)
            return
        protocol = self._components.protocol(choice)
        if settings.protocol is None and set(settings.roles or self._team.roles) != set(self._team.roles):
            raise ConfigError(
                f"evaluation.roles leaves roles out, which protocol {self._team.protocol!r} cannot do without",
                hint="evaluation.untrained has the model before training speak in a role",
            )
        for sample in sorted({job.sample for job in jobs}):
            if settings.protocol is None:
                agents = self._team.agents or tuple(self._team.roles)
                seats = self._own_seats(protocol, agents, seed, settings, sample)
            else:
                seats = self._lent_seats(protocol, seed, settings, sample)
            yield _Sitting(protocol, seats, [job for job in jobs if job.sample == sample], sample)

    def _own_seats(
        self, protocol: Protocol, agents: Sequence[str], seed: int, settings: Evaluation, sample: int = 0
    ) -> list[Seat]:
        """Returns these agents, and more where the protocol needs them; whoever has a role, its adapter speaks."""
        in_role = {role: self._teacher(role, seed, settings) for role in self._team.roles}
        others, sampling = self._teacher(UNTRAINED, seed, settings), _sampling(settings, sample)
        names = [*agents, *(f"agent-{place + 1}" for place in range(len(agents), protocol.min_agents))]
        return [Seat(Agent(name), others, sampling, in_role) for name in names]

    def _lent_seats(self, protocol: Protocol, seed: int, settings: Evaluation, sample: int) -> list[Seat]:
        """Returns the roles as agents of another protocol than their own, whatever they are asked there.

        One that sits there twice has a number the second time.
        """
        roles = [*(settings.roles or self._team.roles)]
        roles += [roles[place % len(roles)] for place in range(len(roles), protocol.min_agents)]
        sampling = _sampling(settings, sample)
        earlier = [roles[:place].count(role) for place, role in enumerate(roles)]
        return [
            Seat(Agent(f"{role}-{before + 1}" if before else role), self._teacher(role, seed, settings), sampling)
            for role, before in zip(roles, earlier, strict=True)
        ]

    def _teacher(self, role: str, seed: int, settings: Evaluation | None = None) -> Teacher:
        size = {} if settings is None else {"batch_tokens": settings.batch_tokens}
        untrained = self._untrained.union(settings.untrained if settings else ())
        who = UNTRAINED if role in untrained else self._after(role, settings.stage if settings else "")
        choice = TeacherChoice(teacher=f"local:{self._run}#{who}", settings=size)
        return self._components.teacher(choice, seed)

    def _after(self, role: str, stage: str) -> str:
        """Returns the name of a role after a stage of its training, or after the only one that it had."""
        stages = self._team.trained.get(role, ())
        if stage and stages and stage not in stages:
            what = f"{role} of {self._run} was trained by {', '.join(stages)}, and not by {stage!r}"
            raise ConfigError(what, hint="evaluation.stage names one of these")
        return role if not stage or not stages or stage == stages[-1] else f"{role}.{stage}"

    def _output(self, mag: Mag, sample: int, settings: Evaluation) -> Output:
        """Returns what a chain came to."""
        chains = mag.protocol == VOTING and settings.protocol is None
        chain = [turn for turn in mag.turns if not chains or turn.branch[0] == sample]
        last = chain[-1] if chains else _spokesman(mag)
        usage = sum((turn.usage for turn in chain), Usage())
        return Output(
            prompt="\n\n".join(message.content for message in last.prompt or ()),
            text=(_answering(chain) if chains else last).text.strip(),
            prompt_tokens=usage.prompt_tokens,
            output_tokens=usage.completion_tokens,
            finish="length" if last.usage.completion_tokens >= settings.max_new_tokens else "end",
            turns=tuple(chain),
        )

    def _keep(self, mag: Mag, sample: int) -> None:
        if self.mags is not None:
            mag = mag.model_copy(update={"id": f"{mag.id}#{sample}"}) if sample else mag
            with writing(self.mags), self.mags.open("a", encoding="utf-8") as file:
                file.write(mag.to_line() + "\n")

    def _put_in_order(self, questions: Sequence[Question]) -> None:
        """Writes the chains anew: of each MAG the latest, in the order asked."""
        if self.mags is None or not self.mags.is_file():
            return
        torn: list[MagFileError] = []
        kept = {mag.id: mag for mag in read_mags(self.mags, on_bad_line=torn)}
        place = {question.id: number for number, question in enumerate(questions)}
        write_mags(self.mags, sorted(kept.values(), key=lambda mag: place.get(mag.question.id, len(place))))


def _sampling(settings: Evaluation, sample: int) -> Sampling:
    return Sampling(
        temperature=settings.temperature,
        top_p=None if settings.top_p == 1 else settings.top_p,
        top_k=settings.top_k or None,
        max_tokens=settings.max_new_tokens,
        seed=sample or None,
    )


def _spokesman(mag: Mag) -> Turn:
    """Returns the last turn that says what was decided; the last of all where nothing was."""
    agreeing = [turn for turn in mag.turns if turn.answer is not None and turn.answer == mag.decision.answer]
    return agreeing[-1] if agreeing else mag.turns[-1]


def _answering(chain: Sequence[Turn]) -> Turn:
    """Returns the turn that answers: the last, unless it is a critique that names no answer."""
    last = chain[-1]
    critique = EDGE_KIND_OF_ROLE.get(last.role) == "critique"
    return chain[0] if critique and last.answer is None else last

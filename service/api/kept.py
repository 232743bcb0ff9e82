"""What the app keeps while it runs, for its routes."""

from fastapi import Request

from service.context import AppContext
from service.jobs.jobs import Jobs
from service.lessons.training import Trainer


def context_of(request: Request) -> AppContext:
    """Settings, models and slots."""
    context: AppContext = request.app.state.context
    return context


def jobs_of(request: Request) -> Jobs:
    """The durable jobs."""
    jobs: Jobs = request.app.state.jobs
    return jobs


def trainer_of(request: Request) -> Trainer:
    """What makes models of lessons, and the lessons."""
    trainer: Trainer = request.app.state.trainer
    return trainer

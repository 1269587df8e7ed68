"""Sends alerts to people at least once: what is to be sent is written down before it is sent."""

from orchestration.alerting.channels import Channel, DeliveryError, channels_of
from orchestration.alerting.outbox import DeliveryReport, deliver, queue_alerts

__all__ = ["Channel", "DeliveryError", "DeliveryReport", "channels_of", "deliver", "queue_alerts"]

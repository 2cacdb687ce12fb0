"""What an applicant entered, as the confirmation page shows it."""

from __future__ import annotations

from flask_babel import gettext

from models.applications.application import ServiceApplication

Part = tuple[str, list[tuple[str, str]]]


def details(application: ServiceApplication) -> list[Part]:
    """Return the title of each part of an application with its labels and values."""
    return [
        (
            gettext("Company information"),
            [
                (gettext("Company name"), application.company),
                (gettext("Full name"), application.name),
                (gettext("Department"), application.department),
                (gettext("Job title"), application.title),
                (gettext("Email address"), application.email),
                (gettext("Phone number"), application.phone),
                (gettext("Postcode"), application.postcode),
                (gettext("Address"), f"{application.prefecture}{application.address}"),
            ],
        ),
        *_deliveries(application),
        *_answers(application),
        *_users(application),
    ]


def _deliveries(application: ServiceApplication) -> list[Part]:
    return [
        (
            gettext("UTM delivery address %(number)s", number=number),
            [
                (gettext("Company name"), each.company),
                (gettext("Full name"), each.name),
                (gettext("Department"), each.department),
                (gettext("Phone number"), each.phone),
                (gettext("Postcode"), each.postcode),
                (gettext("Address"), each.full_address),
                (gettext("Number of units"), str(each.utm_count)),
            ],
        )
        for number, each in enumerate(application.deliveries, 1)
    ]


def _answers(application: ServiceApplication) -> list[Part]:
    answers = sorted(application.answers, key=lambda each: (each.field.position, each.field_id))
    told = [(each.field.title, each.value) for each in answers]
    return [(gettext("Additional information"), told)] if told else []


def _users(application: ServiceApplication) -> list[Part]:
    return [
        (
            gettext("Portal user %(number)s", number=number),
            [
                (gettext("Full name"), each.name),
                (gettext("Email address"), each.email),
                (gettext("Mobile phone number"), each.mobile),
            ],
        )
        for number, each in enumerate(application.users, 1)
    ]

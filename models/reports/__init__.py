"""What the chart screens show (§7.13 to 7.15): numbers by hour of a day, or by day of a month."""

"""What NEC offers its partners: announcements, manuals and a contact."""

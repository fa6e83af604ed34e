"""Rules of the history that all stores share: words of a search, days of a calendar, bars of a timeline."""

"""What a console and a level say of trouble: rules, titles, benign lines, causes. Pure: no I/O."""
